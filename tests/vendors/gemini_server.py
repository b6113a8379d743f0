"""Gemini's protocol: file uploads that need a while, and generateContent with tokens counted per modality."""

from __future__ import annotations

from typing import Any

from tests.vendors.server import Asked, Fault, Response, VendorServer

FRAME_TOKENS, SOUND_TOKENS_PER_S = 70, 32


def look(part: dict[str, Any], name: str) -> Any:
    """A field of a part, whichever way its name is spelt."""
    head, *rest = name.split("_")
    return part.get(name, part.get(head + "".join(word.title() for word in rest)))


class GeminiServer(VendorServer):
    """media_s: how long each uploaded clip is taken to be. hears: whether sound is read. polls: how often a file is
    looked at before it is ready. broken: uploaded files turn out unreadable. files: bytes by URI.
    lose_files(): what was uploaded is gone."""

    REQUEST_ID = "x-ignored"
    media_s = 5.0
    hears = True
    polls = 1
    broken = False

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.files: dict[str, bytes] = {}
        self.mimes: dict[str, str] = {}
        self.looked: dict[str, int] = {}
        self.uploads = 0

    def lose_files(self) -> None:
        self.files.clear()

    def is_question(self, method: str, path: str) -> bool:
        return method == "POST" and path.endswith(":generateContent")

    def media(self, body: dict[str, Any]) -> list[bytes]:
        """The uploaded files that a request names, in order."""
        return [self.files[uri] for uri in _uris(body)]

    def _answer(self, asked: Asked, handler: Any) -> None:
        if asked.item and any(uri not in self.files for uri in _uris(asked.json)):
            self.faults.appendleft(_gone())
        super()._answer(asked, handler)

    def reply(self, asked: Asked, text: str, kind: str) -> dict[str, Any]:
        tokens = self._tokens(asked.json)
        shown = text[: len(text) // 2] if kind == "truncated" else text
        usage = {
            "promptTokenCount": sum(tokens.values()),
            "candidatesTokenCount": 1 + len(shown) // 4,
            "thoughtsTokenCount": 3,
            "promptTokensDetails": [{"modality": name, "tokenCount": n} for name, n in tokens.items() if n],
        }
        whole = {"usageMetadata": usage, "modelVersion": self.model_echo or _model(asked.path), "responseId": "resp-1"}
        if kind == "refusal":
            return {**whole, "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        stop = "MAX_TOKENS" if kind == "truncated" else "STOP"
        parts = [{"text": "let me think", "thought": True}, {"text": shown}]
        return {
            **whole,
            "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": stop, "index": 0}],
        }

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"code": status, "message": message, "status": "FAILED_PRECONDITION"}}

    def other(self, asked: Asked) -> Response:
        path = asked.path.partition("?")[0]
        if path.endswith(":countTokens"):
            return Response({"totalTokens": sum(self._tokens(asked.json).values())})
        if path == "/upload/v1/files":
            url = f"{self.root}/put/{asked.headers['x-goog-upload-header-content-type'].replace('/', '+')}"
            return Response({}, headers={"x-goog-upload-url": url, "x-goog-upload-status": "active"})
        if path.startswith("/put/"):
            return self._kept(asked.body, path.rpartition("/")[2].replace("+", "/"))
        if path.startswith("/v1/files/"):
            name = path.removeprefix("/v1/")
            self.looked[name] = self.looked.get(name, 0) + 1
            return Response(self._file(name))
        return super().other(asked)

    def _kept(self, data: bytes, mime: str) -> Response:
        with self.lock:
            self.uploads += 1
            name = f"files/f{self.uploads}"
        self.files[self._uri(name)] = data
        self.mimes[name] = mime
        return Response({"file": self._file(name)}, headers={"x-goog-upload-status": "final"})

    def _uri(self, name: str) -> str:
        return f"{self.root}/v1/{name}"

    def _file(self, name: str) -> dict[str, Any]:
        ready = self.looked.get(name, 0) >= self.polls
        state = ("FAILED" if self.broken else "ACTIVE") if ready else "PROCESSING"
        file = {"name": name, "uri": self._uri(name), "mimeType": self.mimes[name], "state": state}
        file["expirationTime"] = "2099-01-01T00:00:00Z"
        return {**file, "error": {"message": "no frames"}} if state == "FAILED" else file

    def _tokens(self, body: dict[str, Any]) -> dict[str, int]:
        tokens = {"TEXT": 20, "VIDEO": 0, "AUDIO": 0, "IMAGE": 0}
        for part in body["contents"][0]["parts"]:
            if look(part, "inline_data"):
                tokens["IMAGE"] += 258
            if file := look(part, "file_data"):
                tokens = {name: n + self._media_tokens(part, file).get(name, 0) for name, n in tokens.items()}
        return tokens

    def _media_tokens(self, part: dict[str, Any], file: dict[str, Any]) -> dict[str, int]:
        seen = look(part, "video_metadata") or {}
        start, end = (_seconds(look(seen, name)) for name in ("start_offset", "end_offset"))
        length_s = (self.media_s if end is None else end) - (start or 0.0)
        sound = round(SOUND_TOKENS_PER_S * length_s) if self.hears else 0
        if str(look(file, "mime_type")).startswith("audio/"):
            return {"AUDIO": sound}
        layers = look(seen, "content_layers") or ["FRAMES", "AUDIO"]
        frames = round(FRAME_TOKENS * length_s * (look(seen, "fps") or 1.0))
        return {"VIDEO": frames if "FRAMES" in layers else 0, "AUDIO": sound if "AUDIO" in layers else 0}


def _uris(body: dict[str, Any]) -> list[str]:
    files = [look(part, "file_data") for part in body["contents"][0]["parts"]]
    return [look(file, "file_uri") for file in files if file]


def _seconds(text: str | None) -> float | None:
    return None if text is None else float(text.removesuffix("s"))


def _model(path: str) -> str:
    return path.rpartition("/")[2].partition(":")[0]


def _gone() -> Fault:
    return Fault("403", message="You do not have permission to access the File f1 or it may not exist.")
