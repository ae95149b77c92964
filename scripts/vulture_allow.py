"""Names vulture (60 %) takes for dead although something outside the package's code calls them."""
