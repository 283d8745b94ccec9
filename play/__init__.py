"""A day in the city, played through the real HTTP API by simulated phones."""
