"""A plain loop over smtplib, as many a newsletter is sent: each message is built, and sent on one connection.

    python3 smtplib_loop.py PORT COUNT PREVIEW.json
"""

import json
import smtplib
import sys
from email.message import EmailMessage

port, count = int(sys.argv[1]), int(sys.argv[2])
with open(sys.argv[3]) as file:
    mail = json.load(file)
with smtplib.SMTP("127.0.0.1", port) as relay:
    for number in range(count):
        address = f"r{number}@d{number % 50}.test"
        message = EmailMessage()
        message["From"] = "Research News <news@example.org>"
        message["To"] = f"Reader {number} <{address}>"
        message["Subject"] = mail["subject"]
        message["Message-ID"] = f"<{number}@example.org>"
        message.set_content(mail["text"].replace("reader@example.org", address))
        message.add_alternative(mail["html"].replace("reader@example.org", address), subtype="html")
        relay.send_message(message)
