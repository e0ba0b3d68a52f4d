"""Encryption of everything that a transport carries."""

from __future__ import annotations

import base64
import json
from typing import Any, Mapping, Optional, Sequence

from .error import ValidationError
from .transport import Delivery, Transport

KEY_VARIABLE = "KFLOW_SECRETBOX_KEY"


class Secretbox:
    """libsodium's secretbox (XSalsa20-Poly1305) in the envelope `{"data": ..., "nonce": ...}`, both in base64. The key is 32
    bytes in base64."""

    def __init__(self, key: str) -> None:
        from nacl.secret import SecretBox

        try:
            self._box = SecretBox(base64.b64decode(key, validate=True))
        except Exception as error:
            raise ValueError(f"{KEY_VARIABLE}: want 32 bytes in base64") from error

    def encrypt(self, payload: bytes) -> bytes:
        sealed = self._box.encrypt(payload)
        text = {"data": sealed.ciphertext, "nonce": sealed.nonce}
        return json.dumps({name: base64.b64encode(value).decode() for name, value in text.items()}).encode()

    def decrypt(self, payload: bytes) -> bytes:
        """Raises ValidationError for what is no envelope, or of another key."""
        try:
            envelope = json.loads(payload)
            data, nonce = (base64.b64decode(envelope[name], validate=True) for name in ("data", "nonce"))
            return self._box.decrypt(data, nonce)
        except Exception as error:
            raise ValidationError("message: cannot be decrypted; is it encrypted, with the same key?") from error


class SealedTransport:
    """A transport whose payloads, results and values are encrypted. Topics and ids are not."""

    def __init__(self, inner: Transport, box: Secretbox) -> None:
        self._inner = inner
        self._box = box

    def publish(self, topic: str, payload: bytes, id: Optional[str] = None) -> None:
        self._inner.publish(topic, self._box.encrypt(payload), id)

    def publish_result(self, topic: str, payload: bytes, id: Optional[str] = None) -> None:
        self._inner.publish_result(topic, self._box.encrypt(payload), id)

    def next(self, topics: Sequence[str], timeout: float) -> Optional[Delivery]:
        delivery = self._inner.next(topics, timeout)
        return None if delivery is None else _SealedDelivery(delivery, self._box)

    def load(self, key: str) -> Optional[tuple[bytes, int]]:
        found = self._inner.load(key)
        return None if found is None else (self._box.decrypt(found[0]), found[1])

    def save(self, key: str, value: bytes, revision: int) -> Optional[int]:
        return self._inner.save(key, self._box.encrypt(value), revision)

    def close(self) -> None:
        self._inner.close()


class _SealedDelivery:
    def __init__(self, inner: Delivery, box: Secretbox) -> None:
        self._inner = inner
        self._box = box

    @property
    def payload(self) -> bytes:
        return self._box.decrypt(self._inner.payload)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def seal(transport: Transport, env: Mapping[str, str]) -> Transport:
    """The transport, encrypted if KFLOW_SECRETBOX_KEY has a key."""
    key = env.get(KEY_VARIABLE, "")
    return transport if key == "" else SealedTransport(transport, Secretbox(key))
