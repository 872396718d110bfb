"""Checks bodies of requests against the message classes that gcloud itself sends with.

Reads a JSON list of {service, method, path, body} on stdin; prints a JSON list of faults, and how many were checked.
"""
import importlib
import json
import re
import sys

ROOT = sys.argv[1]
sys.path[:0] = [ROOT + '/lib', ROOT + '/lib/third_party']

from apitools.base.py import encoding  # noqa: E402

# service, method, path: API, version, message.
TABLE = [
    ('pubsub', 'PUT', r'/topics/[^:]+$', 'pubsub', 'v1', 'Topic'),
    ('pubsub', 'PATCH', r'/topics/[^:]+$', 'pubsub', 'v1', 'UpdateTopicRequest'),
    ('pubsub', 'PUT', r'/subscriptions/[^:]+$', 'pubsub', 'v1', 'Subscription'),
    ('pubsub', 'PATCH', r'/subscriptions/[^:]+$', 'pubsub', 'v1', 'UpdateSubscriptionRequest'),
    ('pubsub', 'POST', r':setIamPolicy$', 'pubsub', 'v1', 'SetIamPolicyRequest'),
    ('cloudscheduler', 'POST', r'/jobs$', 'cloudscheduler', 'v1', 'Job'),
    ('cloudscheduler', 'PATCH', r'/jobs/', 'cloudscheduler', 'v1', 'Job'),
    ('firestore', 'POST', r'/databases\?', 'firestore', 'v1', 'GoogleFirestoreAdminV1Database'),
    ('firestore', 'POST', r'/indexes$', 'firestore', 'v1', 'GoogleFirestoreAdminV1Index'),
    ('firestore', 'PATCH', r'/fields/', 'firestore', 'v1', 'GoogleFirestoreAdminV1Field'),
    ('bigquery', 'POST', r'/datasets$', 'bigquery', 'v2', 'Dataset'),
    ('bigquery', 'POST', r'/tables$', 'bigquery', 'v2', 'Table'),
    ('storage', 'POST', r'/b\?', 'storage', 'v1', 'Bucket'),
    ('storage', 'PUT', r'/iam$', 'storage', 'v1', 'Policy'),
    ('iam', 'POST', r'/serviceAccounts$', 'iam', 'v1', 'CreateServiceAccountRequest'),
    ('iam', 'POST', r':setIamPolicy$', 'iam', 'v1', 'SetIamPolicyRequest'),
    ('cloudresourcemanager', 'POST', r':setIamPolicy$', 'cloudresourcemanager', 'v1', 'SetIamPolicyRequest'),
    ('cloudresourcemanager', 'POST', r':getIamPolicy$', 'cloudresourcemanager', 'v1', 'GetIamPolicyRequest'),
    ('bigquery', 'POST', r':getIamPolicy$', 'bigquery', 'v2', 'GetIamPolicyRequest'),
    ('secretmanager', 'POST', r':setIamPolicy$', 'secretmanager', 'v1', 'SetIamPolicyRequest'),
    ('run', 'POST', r':setIamPolicy$', 'run', 'v2', 'GoogleIamV1SetIamPolicyRequest'),
    ('bigquery', 'POST', r':setIamPolicy$', 'bigquery', 'v2', 'SetIamPolicyRequest'),
    ('serviceusage', 'POST', r':batchEnable$', 'serviceusage', 'v1', 'BatchEnableServicesRequest'),
    ('cloudfunctions', 'POST', r'/functions\?', 'cloudfunctions', 'v2', 'Function'),
    ('cloudfunctions', 'PATCH', r'/functions/', 'cloudfunctions', 'v2', 'Function'),
    ('cloudfunctions', 'POST', r':generateUploadUrl$', 'cloudfunctions', 'v2', 'GenerateUploadUrlRequest'),
    ('logging', 'POST', r'/entries:list$', 'logging', 'v2', 'ListLogEntriesRequest'),
    ('iamcredentials', 'POST', r':generateIdToken$', 'iamcredentials', 'v1', 'GenerateIdTokenRequest'),
]


def message_class(api, version, name):
    package = 'googlecloudsdk.generated_clients.apis.%s.%s' % (api, version)
    module = importlib.import_module('%s.%s_%s_messages' % (package, api, version))
    return getattr(module, name, None)


def unknown(message, path):
    found = ['%s.%s: no field of %s' % (path, name, type(message).__name__)
             for name in message.all_unrecognized_fields()]
    for field in message.all_fields():
        value = getattr(message, field.name)
        for one in value if isinstance(value, list) else [value]:
            if hasattr(one, 'all_unrecognized_fields'):
                # Maps keep their entries as additional properties.
                found += unknown(one, '%s.%s' % (path, field.name))
    return found


faults, checked, unchecked = [], {}, set()
for seen in json.load(sys.stdin):
    where = '%s %s%s' % (seen['method'], seen['service'], seen['path'])
    row = next((r for r in TABLE if r[0] == seen['service'] and r[1] == seen['method']
                and re.search(r[2], seen['path'])), None)
    cls = row and message_class(*row[3:])
    if cls is None:
        if seen['body']:
            unchecked.add(re.sub(r'\d+', 'N', where))
        continue
    try:
        message = encoding.JsonToMessage(cls, json.dumps(seen['body']))
        faults += ['%s: %s' % (where, one) for one in unknown(message, row[5])]
    except Exception as error:  # apitools raises many kinds
        faults.append('%s: %s: %s' % (where, type(error).__name__, error))
    checked[row[0] + ' ' + row[5]] = checked.get(row[0] + ' ' + row[5], 0) + 1

json.dump({'faults': faults, 'checked': checked, 'unchecked': sorted(unchecked)}, sys.stdout)
