"""The benchmark's requests through Python's requests: a session for each
thread, as many threads as requests in flight. Arguments: URL REQUESTS FLIGHT.
"""
import sys
import threading

import requests

url, count, flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
path = url + "/v1/spaces/288868932106293/workflow_stage_changes"
numbers = iter(range(1, count + 1))
lock = threading.Lock()
told = []
failed = []


def take():
    with lock:
        return next(numbers, None)


def work():
    session = requests.Session()
    session.headers["Authorization"] = "bench"
    while not failed:
        number = take()
        if number is None:
            return
        answer = session.post(path, json={"workflow_stage_change": {
            "story_id": 288868932100000 + number,
            "workflow_stage_id": 288868932200000 + number % 7,
        }})
        answer.raise_for_status()
        change = answer.json()["workflow_stage_change"]
        assert change["workflow_stage_id"] == 288868932200001
        if not told:
            told.append(True)
            print("first", flush=True)


def guarded():
    try:
        work()
    except Exception as error:
        failed.append(error)


if flight == 1:
    work()
else:
    threads = [threading.Thread(target=guarded) for _ in range(flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
if failed:
    raise failed[0]
