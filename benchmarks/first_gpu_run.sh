#!/usr/bin/env bash
# The first run on a GPU, with nobody watching: what works, how fast it is, and what each step had to say.
#
#     benchmarks/first_gpu_run.sh 1 [OUT]      at most nine minutes: tests, races, kernels
#     benchmarks/first_gpu_run.sh 2 [OUT]      at most three: training and resuming, NCCL, compute-sanitizer, a profile
#
# Every step has a time limit of its own and keeps its words in OUT/NAME.txt (OUT: gpu_run); one that fails or hangs stops
# no other. OUT/steps_1.json and OUT/gpu.json hold what came out; at the end stands a table. Where there is no GPU, each
# step says so. PYTHON: the interpreter (python); SECONDS_EACH: the whole part's time (540, 180).
set -u
cd "$(dirname "$0")/.."
part=${1:-1} out=${2:-gpu_run} python=${PYTHON:-python}
case $part in 1) total=540 ;; 2) total=180 ;; *) sed -n 2,11p "$0"; exit 2 ;; esac
end=$((SECONDS + ${SECONDS_EACH:-$total}))
mkdir -p "$out"
out=$(cd "$out" && pwd)
list=$out/steps_$part.tsv
: > "$list"

# step NAME LIMIT COMMAND…: run it, keep its words, note how it went: outcome, seconds, its last line.
step() {
    local name=$1 limit=$2 begin=$SECONDS left=$((end - SECONDS)) code outcome words
    shift 2
    if ((left < 3)); then
        printf '%s\tno time left\t0\t\n' "$name" >> "$list"
        return
    fi
    echo "$name …" >&2
    timeout -k 5 $((limit < left ? limit : left)) "$@" < /dev/null > "$out/$name.txt" 2>&1
    code=$?
    case $code in 0) outcome=done ;; 124 | 137) outcome='not done in time' ;; *) outcome="exit code $code" ;; esac
    words=$(grep -v '^ *$' "$out/$name.txt" | tail -n 1)
    if [[ $words == *skipped* && $words != *passed* && $words != *failed* ]]; then  # nothing ran: say why
        outcome=skipped words="$(grep -m 1 '^SKIPPED' "$out/$name.txt") ($words)"
    fi
    printf '%s\t%s\t%s\t%s\n' "$name" "$outcome" $((SECONDS - begin)) "$(tr '\t' ' ' <<< "$words" | cut -c 1-300)" >> "$list"
}

tests() {
    local name=$1 limit=$2
    shift 2
    step "$name" "$limit" "$python" -m pytest -m gpu -rsf --tb=short -p no:cacheprovider "$@"
}

measure() { step "$1" "$2" "$python" benchmarks/gpu_parts.py "$3" "$out/$1.json"; }

if [ "$part" = 1 ]; then
    measure card 30 card
    measure compile_times 90 compile
    tests streams_and_graphs 60 tests/test_streams.py tests/test_graph.py tests/training/test_transfer.py
    tests twins 90 tests/test_twins.py
    tests captured_and_launched 60 tests/training/test_graph_step.py tests/test_on_device.py
    step races 260 "$python" benchmarks/gpu.py --minutes 4.2 --out "$out/gpu.json" --parts card ceilings race kernels folding
else
    run="$python train.py --windows 2000 --gpus 1 --epochs 2 --out $out/run"
    step train 45 bash -c "timeout -s INT 25 $run --overwrite; code=\$?; [ \$code = 0 ] || [ \$code = 124 ] || [ \$code = 130 ]"
    step resume 40 bash -c "$python train.py --gpus 1 --out $out/run --resume"
    tests nccl_of_one_rank 30 tests/parallel/test_nccl.py -k "ranks_on_gpus and 1"
    for tool in memcheck racecheck; do
        step sanitizer_$tool 40 compute-sanitizer --tool $tool --error-exitcode 9 "$python" -m pytest -m gpu \
            -p no:cacheprovider tests/test_twins.py -k "test_twins_agree and (conv1d or lstm)"
    done
    step profile 40 nsys profile --force-overwrite true --stats true -o "$out/profile" \
        "$python" benchmarks/gpu_parts.py "race: minieqt, one graph" "$out/profiled.json"
fi

"$python" - "$list" "$out/steps_$part.json" <<'END'
import json, pathlib, sys

lines = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace").splitlines()
steps = [dict(zip(("step", "outcome", "seconds", "words"), line.split("\t"))) for line in lines]
pathlib.Path(sys.argv[2]).write_text(json.dumps(steps, indent=2) + "\n", encoding="utf-8")
END
echo
while IFS=$'\t' read -r name outcome seconds words; do
    printf '%-24s %-18s %4s s  %.110s\n' "$name" "$outcome" "$seconds" "$words"
done < "$list"
[ -s "$out/races.txt" ] && [ "$part" = 1 ] && { echo; cat "$out/races.txt"; }
exit 0
