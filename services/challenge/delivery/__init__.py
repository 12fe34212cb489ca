"""How a message leaves the house: ports for email and text, and the adapters that carry them."""
