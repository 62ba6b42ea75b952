"""Reading a picture of an ECG page: where the grid lies, where the leads are, and what they show."""
