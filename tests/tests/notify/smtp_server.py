"""A server for mail, by aiosmtpd: it asks for a user and a password, and keeps each mail as a file.

smtp_server.py HOST PORT starttls|tls|plain CERTIFICATE KEY USER PASSWORD FOLDER
"""

import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

host, port, tls, certificate, key, user, password, folder = sys.argv[1:]


class Keep:
    """Keeps what comes, each under a number of its own."""

    count = 0

    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        path = os.path.join(folder, f"{Keep.count:03}")
        with open(path + ".part", "wb") as file:
            file.write(f"Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n".encode())
            file.write(envelope.content)
        os.rename(path + ".part", path + ".eml")
        return "250 it is kept"


def is_known(server, session, envelope, mechanism, given):
    right = LoginPassword(user.encode(), password.encode())
    is_right = isinstance(given, LoginPassword) and given == right
    # What is not handled is answered by the server: 535.
    return AuthResult(success=is_right, handled=is_right)


async def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()

    def session():
        return SMTP(
            Keep(),
            hostname="mail.test",
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            auth_required=True,
            auth_require_tls=tls == "starttls",
            authenticator=is_known,
            loop=loop,
        )

    server = await loop.create_server(session, host, int(port), ssl=context if tls == "tls" else None)
    async with server:
        print("listens", flush=True)
        await server.serve_forever()


asyncio.run(serve())
