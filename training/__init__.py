"""Trainers: SFT, then DPO. Lives beside the library, never imported by it or by the screens."""
