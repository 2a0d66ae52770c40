"""Printed digits: rendered from fonts, and drawn as displays and counters show them."""
