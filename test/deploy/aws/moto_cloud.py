"""moto_server that deploys: it takes a template with lint warnings, and runs the functions that were deployed.

CloudFormation fails at the first lint warning in plain moto, and functions need docker there. Here only lint errors
count, a function is a Node process that loads the deployed zip, and topic rules are created with the stack. What is
published to devices is written to the file that PUBLISHED names, one JSON line each.
"""

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
import zipfile

import moto.awslambda.models as awslambda
import moto.cloudformation.models as cloudformation
import moto.iotdata.models as iotdata
from moto.core.common_models import CloudFormationModel
from moto.firehose.models import firehose_backends
from moto.iot.models import iot_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.server import main

RUNNER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run-function.cjs")

lint = cloudformation.validate_template_cfn_lint
cloudformation.validate_template_cfn_lint = lambda template: [
    match for match in lint(template) if match.rule.severity == "error"
]


def unzipped(code):
    folder = os.path.join(tempfile.gettempdir(), "anyhub-function-" + hashlib.sha256(code).hexdigest()[:24])
    if not os.path.isdir(folder):
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            archive.extractall(folder)
        # On Lambda no folder above says how files are to be read.
        with open(os.path.join(folder, "package.json"), "x") as file:
            file.write("{}")
    return folder


def resolved(function, value):
    """Dynamic references of CloudFormation, which moto leaves as they are."""
    found = re.fullmatch(r"\{\{resolve:secretsmanager:([^:]+):SecretString:([^:}]+)\}\}", str(value))
    if found is None:
        return str(value)
    secret = secretsmanager_backends[function.account_id][function.region].get_secret_value(found[1], "", "")
    return json.loads(secret["SecretString"])[found[2]]


def invoke(self, event=None):
    self.logs_backend.ensure_log_group(self.logs_group_name)
    env = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": self.region,
        "AWS_LAMBDA_FUNCTION_NAME": self.function_name,
        # Who asks for what is read off its signature.
        "AWS_ACCESS_KEY_ID": self.function_name,
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": os.environ["ENDPOINT"],
        **{name: resolved(self, value) for name, value in self.environment_vars.items()},
    }
    done = subprocess.run(
        [os.environ["NODE"], RUNNER, unzipped(self.code_bytes), self.handler],
        input=json.dumps(event).encode(),
        capture_output=True,
        env=env,
        timeout=float(self.timeout),
    )
    logs = done.stdout.decode() + done.stderr.decode()
    lines = logs.rstrip("\n").split("\n")
    result = next((line[7:] for line in reversed(lines) if line.startswith("RESULT ")), "null")
    self.save_logs(logs)
    with open(os.environ["INVOKED"], "a") as file:
        file.write(json.dumps({"function": self.function_name, "code": done.returncode, "logs": logs}) + "\n")
    return result, done.returncode != 0, logs


def invoke_loudly(self, event=None):
    try:
        return invoke(self, event)
    except Exception:
        traceback.print_exc()
        raise


awslambda.LambdaFunction._invoke_lambda = invoke_loudly


def publish(self, topic, payload):
    with open(os.environ["PUBLISHED"], "a") as file:
        file.write(json.dumps({"topic": topic, "payload": base64.b64encode(payload).decode()}) + "\n")


iotdata.IoTDataPlaneBackend.publish = publish


def lower(value):
    """Names of members as the API has them; CloudFormation begins them with a capital letter."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: lower(member) for name, member in value.items()}
    return [lower(member) for member in value] if isinstance(value, list) else value


class TopicRule(CloudFormationModel):
    __module__ = "moto.iot.topic_rule"

    def __init__(self, name):
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_name_type():
        return "RuleName"

    @staticmethod
    def cloudformation_type():
        return "AWS::IoT::TopicRule"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        rule = cloudformation_json["Properties"]["TopicRulePayload"]
        name = resource_name.replace("-", "_")
        iot_backends[account_id][region_name].create_topic_rule(
            name,
            rule["Sql"],
            actions=lower(rule["Actions"]),
            error_action=lower(rule.get("ErrorAction", {})),
            rule_disabled=False,
            aws_iot_sql_version=rule["AwsIotSqlVersion"],
            description="",
        )
        return cls(name)

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        iot_backends[account_id][region_name].rules.pop(resource_name, None)


class DeliveryStream(CloudFormationModel):
    __module__ = "moto.firehose.delivery_stream"

    def __init__(self, name, arn):
        self.physical_resource_id = name
        self.arn = arn

    @staticmethod
    def cloudformation_name_type():
        return "DeliveryStreamName"

    @staticmethod
    def cloudformation_type():
        return "AWS::KinesisFirehose::DeliveryStream"

    @classmethod
    def has_cfn_attr(cls, attr):
        return attr == "Arn"

    def get_cfn_attribute(self, attribute_name):
        return self.arn

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        properties = cloudformation_json["Properties"]
        name = properties["DeliveryStreamName"]
        destination = dict(properties["ExtendedS3DestinationConfiguration"])
        # Partitions by content are not known here: all rows go below one prefix.
        destination["Prefix"] = "cold/"
        none = {}
        arn = firehose_backends[account_id][region_name].create_delivery_stream(
            region_name, name, "DirectPut", none, none, none, destination, none, none, none, none, none, []
        )
        return cls(name, arn)

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        firehose_backends[account_id][region_name].delivery_streams.pop(resource_name, None)


sys.exit(main(sys.argv[1:]))
