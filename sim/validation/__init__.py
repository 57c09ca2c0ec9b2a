"""The model confronted with what it was not shown: moments held out, the years 2022 to 2025, published trials."""
