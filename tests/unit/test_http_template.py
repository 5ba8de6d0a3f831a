"""The HTTP API that may stand in the REST API's place has its routes, its throttles and its log."""

import json
from typing import Any

from facesearch_local.functions import functions_of
from facesearch_local.template import Resource, read_document
from tests.conftest import ROOT
from tests.unit.test_template import stand_in, template

MAIN = template({"HttpApi": "true"})
HTTP = MAIN.nested("Http", stand_in)
INTEGRATIONS = HTTP.of_type("AWS::ApiGatewayV2::Integration")
STAGE = HTTP.resources["Stage"].properties


def resolved(resource: Resource) -> Any:
    return HTTP.resolve(resource.properties, stand_in)


def test_it_has_the_routes_of_the_rest_api_and_answers_all_else_itself() -> None:
    called = {f"integrations/{each.id}.Ref": resolved(each)["IntegrationUri"] for each in INTEGRATIONS}
    routes = map(resolved, HTTP.of_type("AWS::ApiGatewayV2::Route"))
    found = {route["RouteKey"]: called[route["Target"]] for route in routes}
    assert found.pop("$default") == "ResultsFunction.Alias.Ref", "it answers preflights, and knows the envelope"
    assert found == {
        f"{route.method} {route.path}": f"{function.id}.Alias.Ref"
        for function in functions_of(MAIN, lambda logical_id, _: logical_id)
        for route in function.routes
        if route.method != "OPTIONS"
    }


def test_functions_get_a_rest_api_s_events_from_it_and_may_be_called_by_it() -> None:
    assert {each.properties["PayloadFormatVersion"] for each in INTEGRATIONS} == {"1.0"}
    allowed = {resolved(each)["FunctionName"] for each in HTTP.of_type("AWS::Lambda::Permission")}
    assert allowed == {resolved(each)["IntegrationUri"] for each in INTEGRATIONS}


def test_it_admits_as_many_requests() -> None:
    (rest,) = MAIN.of_type("AWS::Serverless::Api")

    def limits(setting: dict[str, int]) -> tuple[int, int]:
        return setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]

    wanted = {
        f"{each['HttpMethod']} {each['ResourcePath'].replace('~1', '/').removeprefix('/')}": limits(each)
        for each in rest.properties["MethodSettings"]
    }
    assert limits(STAGE["DefaultRouteSettings"]) == wanted.pop("* *")
    assert {key: limits(each) for key, each in STAGE["RouteSettings"].items()} == wanted
    routes = {each.properties["RouteKey"]: each.id for each in HTTP.of_type("AWS::ApiGatewayV2::Route")}
    assert {routes[key] for key in wanted} == set(HTTP.resources["Stage"].depends_on)


def test_its_log_says_what_the_rest_api_s_does() -> None:
    (rest,) = MAIN.of_type("AWS::Serverless::Api")
    wanted = MAIN.resolve(rest.properties["AccessLogSetting"], stand_in)
    found = HTTP.resolve(STAGE["AccessLogSettings"], stand_in)
    assert found["DestinationArn"] == wanted["DestinationArn"]
    assert found["Format"] == wanted["Format"].replace("$context.resourcePath", "$context.routeKey")
    silent = template({"HttpApi": "true", "AccessLogs": "off"}).nested("Http", stand_in)
    assert silent.resolve(silent.resources["Stage"].properties, stand_in).get("AccessLogSettings") is None


def test_where_it_is_callbacks_and_the_domain_lead_to_it() -> None:
    callbacks = MAIN.resources["CallbacksFunction"].properties["Environment"]["Variables"]
    assert MAIN.resolve(callbacks["API_BASE_URL"], stand_in) == "Http.Outputs.ApiUrl"
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/a"
    domain = {"ApiBaseUrl": "https://faces.example.com", "ApiCertificateArn": certificate}
    for http_api, mapping in (("true", "HttpApiDomainMapping"), ("false", "ApiDomainMapping")):
        edge = template(domain | {"HttpApi": http_api}).nested("Edge", stand_in)
        assert edge.resources.keys() == {"ApiDomainName", mapping}


def test_the_api_s_address_alarm_and_dashboard_are_of_the_one_that_is_called() -> None:
    outputs = read_document(ROOT / "template.yaml")["Outputs"]
    plain = template({})
    assert MAIN.resolve(outputs["ApiUrl"]["Value"], stand_in) == "Http.Outputs.ApiUrl"
    assert plain.resolve(outputs["ApiUrl"]["Value"], stand_in).endswith("/live")
    for main, dimension, api, failures in (
        (MAIN, "ApiId", "Http.Outputs.Api", "5xx"),
        (plain, "ApiName", "stack", "5XXError"),
    ):
        operations = main.nested("Operations", stand_in)
        alarm = operations.resolve(operations.resources["ApiFailures"].properties, stand_in)
        assert (alarm["MetricName"], alarm["Dimensions"]) == (failures, [{"Name": dimension, "Value": api}])
        body = operations.resolve(operations.resources["Dashboard"].properties["DashboardBody"], stand_in)
        shown = [metric for widget in json.loads(body)["widgets"] for metric in widget["properties"]["metrics"]]
        of_the_api = [metric[1:4] for metric in shown if metric[0] == "AWS/ApiGateway"]
        assert [failures, dimension, api] in of_the_api
        assert {tuple(metric[1:]) for metric in of_the_api} == {(dimension, api)}


def test_it_is_not_made_with_a_firewall_that_nobody_would_pass() -> None:
    rule = read_document(ROOT / "template.yaml")["Rules"]["HttpApiHasNoFirewall"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "HttpApi"}, "true"]}
    assert rule["Assertions"][0]["Assert"] == {"Fn::Equals": [{"Ref": "Firewall"}, "false"]}
