"""A Django project around `views.py` and `photos.html` of the folder that it is started in, on a free port."""

import os
import sys
from importlib import import_module
from wsgiref.simple_server import make_server

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import path

sys.path.insert(0, ".")

settings.configure(
    FACES_KEY=os.environ["FACES_KEY"],
    SECRET_KEY="of nothing here",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["."]}],
)
application = get_wsgi_application()

views = import_module("views")  # the example, which may read the settings from now on
urlpatterns = [path("photos", views.photos), path("face-search-token", views.face_search_token)]

with make_server("127.0.0.1", 0, application) as server:
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
