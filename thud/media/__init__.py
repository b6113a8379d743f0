"""The only door to PyAV and MoviePy. Numpy in, numpy out; sounds are float32 arrays (samples, channels).

    guard     may this file be opened, and with which demuxer
    probe     what it holds, read from its packets
    sound     its sound on the picture's own timeline
    write     WAV, FLAC, and the 16 kHz sound for models
    picture   proof that the picture is untouched; muxing it with another sound
    frames, waveform, proxy, encode, reel

Sample 0 is always the moment of the first picture. The libraries' own exceptions become `RefusedClip`,
`RefusedEdit` or `StoreFull` in here, so callers catch `ThudError` only.
"""
