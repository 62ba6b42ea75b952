"""ECG pages as machines print them, with exact truth."""
