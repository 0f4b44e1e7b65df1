"""Quality of extraction against oracles, on pages of many makers."""
