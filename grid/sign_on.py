"""The city's own sign-on (OpenID Connect): what its answer has to prove before anybody comes in by it.

django-allauth leads there and back; here its answer is verified as OpenID Connect Core 1.0 asks (3.1.3.7 and 5.3.4):
the signature by a public key of the provider, issuer, audience, term, and the nonce of this very attempt; and that
UserInfo speaks of the same person. On any doubt there is an OAuth2Error, which the desk shows as a page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase

SIGNED_WITH = tuple(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)) + ("EdDSA",)
"""Signatures that only the provider can make: neither `none` nor those with a secret that we hold too."""
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "nonce")
CLOCKS_APART_S = 60
LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, 2: a sub has at most so many characters


class CitySignOn(OpenIDConnectProvider):  # type: ignore[misc]  # allauth ships no types
    """Leads to the city's sign-on, each time with a verifier (PKCE) and a nonce made of it."""

    def get_oauth2_adapter(self, request: HttpRequest) -> VerifiedAnswer:
        return VerifiedAnswer(request, self.app.provider_id)

    def get_pkce_params(self) -> dict[str, str]:
        """What goes into the address; the verifier alone stays with the session, so the nonce can be made again."""
        said: dict[str, str] = generate_code_challenge()
        return said | {"nonce": nonce_for(said["code_verifier"])}

    def get_auth_params_from_request(self, request: HttpRequest, action: str) -> dict[str, str]:
        """Who makes a link to us says nothing of what we ask for."""
        params: dict[str, str] = self.get_auth_params()
        return params

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        scope: list[str] = self.get_scope()
        return scope


class VerifiedAnswer(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    """Takes the answer apart. Raises OAuth2Error for whatever is not proved, RequestException where nobody answers."""

    verifier = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the provider says of itself; refused where it speaks for another issuer than the one configured."""
        config = as_object(super().openid_config)
        for name in ("issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
            if not isinstance(config.get(name), str):
                raise OAuth2Error(f"the sign-on's configuration lacks {name}")
        if not isinstance(config.get("token_endpoint_auth_methods_supported", []), list):
            raise OAuth2Error("the sign-on's configuration cannot be read")
        configured = self.get_provider().app.settings["server_url"].split("/.well-known/")[0]
        if config["issuer"].rstrip("/") != configured.rstrip("/"):
            raise OAuth2Error(f"the sign-on at {urlsplit(configured).netloc} speaks for another issuer")
        return config

    def get_access_token_data(
        self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        self.verifier = pkce_code_verifier or ""
        try:
            said = super().get_access_token_data(request, app, client, pkce_code_verifier=pkce_code_verifier)
        except (KeyError, TypeError) as error:  # no content type, or a number where an object belongs
            raise OAuth2Error("the sign-on's tokens cannot be read") from error
        return as_object(said)

    def parse_token(self, data: Mapping[str, Any]) -> SocialToken:
        """To ask UserInfo with, once; nothing of it is kept."""
        if not isinstance(data.get("access_token"), str):
            raise OAuth2Error("the sign-on gave no access_token")
        return SocialToken(token=data["access_token"])

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        proved = self._proved(app, kwargs["response"].get("id_token"))
        told = as_object(self._fetch_user_info(token.token))
        if told.get("sub") != proved["sub"]:
            raise OAuth2Error("UserInfo speaks of somebody else than the id_token")
        claims = proved | told
        known = ("sub", settings.OIDC_CLAIM, "email_verified")
        return self.get_provider().sociallogin_from_response(
            request, {"userinfo": {name: claims[name] for name in known if isinstance(claims.get(name), str | bool)}}
        )

    def _proved(self, app: SocialApp, id_token: object) -> dict[str, Any]:
        """The claims of the id_token, after all that it has to prove."""
        if not isinstance(id_token, str):
            raise OAuth2Error("the sign-on gave no id_token")
        try:
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key=self._key(jwt.get_unverified_header(id_token)),
                algorithms=SIGNED_WITH,
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                leeway=CLOCKS_APART_S,
                options={"require": list(REQUIRED)},
            )
        except jwt.PyJWTError as error:
            raise OAuth2Error(f"the id_token proves nothing: {error}") from error
        if claims["nonce"] != nonce_for(self.verifier):
            raise OAuth2Error("the id_token answers another attempt")
        if claims.get("azp", app.client_id) != app.client_id:
            raise OAuth2Error("the id_token was made for another program")
        if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
            raise OAuth2Error("the id_token names nobody")
        return claims

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """The provider's public key that the header names; where it names none, the only one that there is."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(as_object(answer.json())).keys
        fitting = [key for key in keys if key.key_type != "oct" and header.get("kid") in (None, key.key_id)]
        if len(fitting) != 1:
            raise jwt.InvalidKeyError("no key of the sign-on fits")
        return fitting[0]


def as_object(said: object) -> dict[str, Any]:
    """What a JSON answer has to be. Raises OAuth2Error."""
    if not isinstance(said, dict):
        raise OAuth2Error("the sign-on did not answer with an object")
    return said


def nonce_for(verifier: str) -> str:
    """Bound to this browser's attempt, and no way back to the verifier, which is a secret."""
    digest = hashlib.sha256(b"nonce:" + verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def login(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """To the city's sign-on. Raises RequestException where it is down, OAuth2Error where it makes no sense."""
    return _step(OAuth2LoginView, request, provider_id)


def callback(request: HttpRequest, provider_id: str) -> HttpResponseBase:
    """And back from it, with an answer."""
    return _step(OAuth2CallbackView, request, provider_id)


def _step(view: Any, request: HttpRequest, provider_id: str) -> HttpResponseBase:
    try:
        answer: HttpResponseBase = view.adapter_view(VerifiedAnswer(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    return answer
