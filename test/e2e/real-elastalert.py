# Loads a rule with ElastAlert's own loader and has its own alerter post matches, one JSON answer per line on standard output.
# usage: real-elastalert.py RULE.yaml < matches.json      (an empty list: only load the rule)
import json
import sys

import requests

sent = []
real_post = requests.post


def recording_post(url, **options):
    """What the alerter sends, and what it gets, beside sending it."""
    response = real_post(url, **options)
    sent.append(
        {
            "headers": dict(response.request.headers),
            "body": json.loads(response.request.body),
            "status": response.status_code,
            "answer": response.text,
        }
    )
    return response


requests.post = recording_post

from elastalert.loaders import FileRulesLoader  # noqa: E402

# The defaults that ElastAlert's own config.yaml must have; no Elasticsearch is called.
defaults = {"es_host": "127.0.0.1", "es_port": 9200, "run_every": {"minutes": 1}, "buffer_time": {"minutes": 15}}
loader = FileRulesLoader({})
rule = loader.load_configuration(sys.argv[1], dict(defaults))
error = None
matches = json.load(sys.stdin)
for alerter in rule["alert"]:
    try:
        if matches:
            alerter.alert(matches)
    except Exception as thrown:  # ElastAlert would keep the alert and send it again
        error = str(thrown)
alerters = [type(alerter).__name__ for alerter in rule["alert"]]
print(json.dumps({"alerters": alerters, "query_key": rule.get("query_key"), "realert": rule["realert"].total_seconds(), "error": error, "sent": sent}))
