"""thud: does a video model listen, or does it guess the sound from the picture?

A pure library. It knows nothing of gradio; torch is imported only inside functions that need it.
"""

__version__ = "0.1.0"
