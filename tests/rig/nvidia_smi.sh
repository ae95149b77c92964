#!/bin/bash
# Prints what nvidia-smi prints on a GB10 (driver 580): no memory figures, no power cap, no fan.
# The values come from files the rig writes, one a value.
state=/run/sparktray-rig/gpu
value() { cat "$state/$1"; }

case "$(value mode)" in
hang) exec sleep infinity ;;
fail)
    echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver." \
        "Make sure that the latest NVIDIA driver is installed and running."
    exit 9
    ;;
esac

fields="" apps="" header=1 units=1
for argument in "$@"; do
    case "$argument" in
    --query-gpu=*) fields=${argument#*=} ;;
    --query-compute-apps=*) apps=${argument#*=} ;;
    --format=*)
        [[ $argument == *noheader* ]] && header=0
        [[ $argument == *nounits* ]] && units=0
        ;;
    -L | --list-gpus)
        echo "GPU 0: NVIDIA GB10 (UUID: GPU-5a1c0d2e-7b43-4f7e-9d61-2f0c8a4b6e10)"
        exit 0
        ;;
    -h | --help) ;;
    *)
        echo "Invalid combination of input arguments. Please run 'nvidia-smi -h' for help." >&2
        exit 6
        ;;
    esac
done

# Sets `title`, `unit` and `text` for a field; 1 when there is no such field.
field() {
    unit="" text="[N/A]" title=$1
    case "$1" in
    name | gpu_name) title=name text="NVIDIA GB10" ;;
    driver_version) text=580.95.05 ;;
    index) text=0 ;;
    count) text=1 ;;
    uuid | gpu_uuid) title=uuid text=GPU-5a1c0d2e-7b43-4f7e-9d61-2f0c8a4b6e10 ;;
    pci.bus_id | gpu_bus_id) title=pci.bus_id text=0000000F:01:00.0 ;;
    pstate) text=P0 ;;
    compute_cap) text=12.1 ;;
    utilization.gpu) unit="%" text=$(value utilization) ;;
    temperature.gpu) text=$(value temperature) ;;
    power.draw) unit="W" text=$(value power) ;;
    clocks.sm | clocks.current.sm | clocks.gr | clocks.current.graphics) unit="MHz" text=$(value clock) ;;
    memory.total | memory.used | memory.free) unit="MiB" ;;
    utilization.memory | fan.speed) unit="%" ;;
    power.limit | enforced.power.limit) unit="W" ;;
    clocks.mem | clocks.current.memory) unit="MHz" ;;
    timestamp) text=$(date '+%Y/%m/%d %H:%M:%S.000') ;;
    *) return 1 ;;
    esac
}

join() { local IFS=$'\x1f' && local line="$*" && echo "${line//$'\x1f'/, }"; }

if [[ -n $fields ]]; then
    titles=() texts=()
    IFS=, read -ra names <<<"$fields"
    for name in "${names[@]}"; do
        name=${name// /}
        if ! field "$name"; then
            echo "Field \"$name\" is not a valid field to query."
            echo
            exit 2
        fi
        titles+=("$title${unit:+ [$unit]}")
        [[ -n $unit && $units == 1 && $text != "[N/A]" ]] && text="$text $unit"
        texts+=("$text")
    done
    [[ $header == 1 ]] && join "${titles[@]}"
    join "${texts[@]}"
    exit 0
fi

if [[ -n $apps ]]; then
    [[ $header == 1 ]] && echo "pid, process_name, used_gpu_memory [MiB]"
    while IFS=$'\t' read -r pid name mib; do
        [[ $units == 1 ]] && mib="$mib MiB"
        row=()
        IFS=, read -ra names <<<"$apps"
        for column in "${names[@]}"; do
            case "${column// /}" in
            pid) row+=("$pid") ;;
            process_name | name) row+=("$name") ;;
            used_memory | used_gpu_memory) row+=("$mib") ;;
            *) row+=("[N/A]") ;;
            esac
        done
        join "${row[@]}"
    done <"$state/apps"
    exit 0
fi

rule="+-----------------------------------------------------------------------------------------+"
date '+%a %b %e %H:%M:%S %Y'
echo "$rule"
echo "| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: 13.0     |"
echo "+-----------------------------------------+------------------------+----------------------+"
echo "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |"
echo "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |"
echo "|                                         |                        |               MIG M. |"
echo "|=========================================+========================+======================|"
echo "|   0  NVIDIA GB10                    On  |   0000000F:01:00.0 Off |                  N/A |"
printf '| N/A  %3sC    P0           %4.0fW /  N/A  |          Not Supported | %6s%%      Default |\n' \
    "$(value temperature)" "$(value power | tr -d '[]NA/')" "$(value utilization)"
echo "|                                         |                        |                  N/A |"
echo "+-----------------------------------------+------------------------+----------------------+"
echo
echo "$rule"
echo "| Processes:                                                                              |"
echo "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |"
echo "|        ID   ID                                                               Usage      |"
echo "|=========================================================================================|"
if [[ -s $state/apps ]]; then
    while IFS=$'\t' read -r pid name mib; do
        printf '|    0   N/A  N/A %16s      C   %-30.30s %11sMiB |\n' "$pid" "$name" "$mib"
    done <"$state/apps"
else
    echo "|  No running processes found                                                             |"
fi
echo "$rule"
