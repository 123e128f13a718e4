"""An SMTP server that wants STARTTLS and a login: mail.py FOLDER [plain]. FOLDER has cert.pem and key.pem; the port is written to FOLDER/port, each mail to
FOLDER/mail, whoever logged in to FOLDER/login. With `plain` it offers neither TLS nor a login."""
import os
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder = sys.argv[1]
plain = len(sys.argv) > 2


def write(name, text):
    with open(os.path.join(folder, name + ".part"), "w") as out:
        out.write(text)
    os.rename(os.path.join(folder, name + ".part"), os.path.join(folder, name))


class Keep:
    async def handle_DATA(self, server, session, envelope):
        how = "tls" if session.ssl else "clear"
        write("mail", f"{how} {envelope.mail_from} {','.join(envelope.rcpt_tos)}\n{envelope.content.decode()}")
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    write("login", f"{mechanism} {data.login.decode()}")
    return AuthResult(success=data.login == b"sonde" and data.password == b"open sesame")


options = {"hostname": "127.0.0.1", "port": 0, "server_hostname": "localhost"}
if not plain:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem"))
    options |= {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": login}


class OnAnyPort(Controller):
    def _trigger_server(self):
        # The port is only known once it is bound; what follows would connect to port 0.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


controller = OnAnyPort(Keep(), **options)
controller.start()
write("port", str(controller.port))
while os.path.isdir(folder):
    time.sleep(0.2)
