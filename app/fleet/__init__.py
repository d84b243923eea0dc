"""The fleet: what there is to work with (specialists, tools, connectors, models), how it does, and what is suspended of it."""
