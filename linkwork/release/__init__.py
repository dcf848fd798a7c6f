"""Releases: marts in two tiers, the open one disclosure-controlled, published whole or not at all."""
