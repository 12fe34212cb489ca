"""The simulated world: households, outsiders and thieves as they behave, whatever judges them."""

from services.device_trust.simulation.world.world import World

__all__ = ["World"]
