"""From the bytes of models.json to the catalogue, or to one error that names its place."""
