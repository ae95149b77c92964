"""The page of the models: the list, and in its place an operation or what stands in the way."""
