package main

import (
	"math"
	"strings"

	"github.com/anishathalye/porcupine"
)

// reduce makes operations of unknown outcome cheap without changing the answer. A checker that may place each of them
// anywhere from its call to the end of time tries all their orders; what others read says more:
//
//   - Who read a value proves that it was written before that read ended: it has a return after all.
//   - A value that nobody ever read need not have been written. Nobody's answer is explained by it, but for a swap that
//     did not find what it expected: where there is one, everything of the register stays.
func reduce(operations []porcupine.Operation) []porcupine.Operation {
	seen := map[string]int64{} // Value -> the earliest end of an operation that proves it was written.
	failedSwap := false
	for _, one := range operations {
		op := one.Input.(operation)
		if op.Unknown {
			continue
		}
		for _, value := range proves(op) {
			if before, known := seen[value]; !known || one.Return < before {
				seen[value] = one.Return
			}
		}
		failedSwap = failedSwap || (op.Kind == "cas" && !op.Found)
	}
	kept := make([]porcupine.Operation, 0, len(operations))
	for _, one := range operations {
		op := one.Input.(operation)
		if !op.Unknown {
			kept = append(kept, one)
			continue
		}
		if end, known := seen[op.Value]; known {
			// A value is written once: what proves it was read after this call, or the history is a lie anyhow.
			one.Return = max(end, one.Call)
			kept = append(kept, one)
		} else if failedSwap {
			one.Return = math.MaxInt64
			kept = append(kept, one)
		}
	}
	return kept
}

// proves names the values that must have been written before this operation ended.
func proves(op operation) []string {
	switch {
	case op.Kind == "read" && op.Object == "list":
		return strings.Split(op.Value, ",")
	case op.Kind == "read":
		return []string{op.Value}
	case op.Kind == "cas" && op.Found:
		return []string{op.Expected}
	}
	return nil
}
