"""Floor 2: chat models. Makes the model that the settings name, the offline model, and what guards calls to any of them.

Nothing here knows the graphs: a model sees messages, tools and a response schema. The rooms above import the modules directly.
"""
