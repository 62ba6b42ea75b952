"""Simulated 12-lead ECGs: the heart as moving dipoles, seen through the torso."""
