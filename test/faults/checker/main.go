// Checks histories of clients against what a single copy of the data could have answered (porcupine).
//
// Input, on standard input: one operation a line, see `operation`. Output: one JSON object, see `answer`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// operation is what one client asked and what it was told.
type operation struct {
	Client int    `json:"client"`
	Object string `json:"object"` // "register" or "list"
	Key    int    `json:"key"`
	Kind   string `json:"kind"` // register: read, write, cas; list: read, append
	// Value written or appended; what a read returned.
	Value string `json:"value"`
	// What cas expected to find.
	Expected string `json:"expected"`
	// Whether cas found it.
	Found bool `json:"found"`
	// Nobody told the client what became of it: it may have happened at any time since the call, or never.
	Unknown bool  `json:"unknown"`
	Call    int64 `json:"call"` // ns of one clock
	Return  int64 `json:"return"`
}

type answer struct {
	Result     string   `json:"result"` // ok, illegal, or unknown: not decided in time
	Operations int      `json:"operations"`
	Unknown    int      `json:"unknown"`
	Illegal    []string `json:"illegal"` // the objects that no single copy explains
	Undecided  []string `json:"undecided"`
}

// One object at a time: a history is linearizable when each object's is.
var model = porcupine.Model{
	Init: func() interface{} { return "" },
	Step: func(state, input, _ interface{}) (bool, interface{}) {
		return step(state.(string), input.(operation))
	},
	DescribeOperation: func(input, _ interface{}) string { return describe(input.(operation)) },
	DescribeState:     func(state interface{}) string { return state.(string) },
}

// step says whether a copy in this state could have answered so, and what it holds then. An operation of unknown
// outcome is placed by the checker anywhere after its call; placed at the very end, it never happened to anyone.
func step(state string, op operation) (bool, string) {
	switch op.Kind {
	case "read":
		return state == op.Value, state
	case "write":
		return true, op.Value
	case "append":
		if state == "" {
			return true, op.Value
		}
		return true, state + "," + op.Value
	case "cas":
		found := state == op.Expected
		if !found {
			return op.Unknown || !op.Found, state
		}
		return op.Unknown || op.Found, op.Value
	}
	panic("unknown kind of operation: " + op.Kind)
}

func describe(op operation) string {
	outcome := ""
	if op.Unknown {
		outcome = " (unknown)"
	}
	switch op.Kind {
	case "cas":
		return fmt.Sprintf("cas %s -> %s: %v%s", op.Expected, op.Value, op.Found, outcome)
	case "read":
		return "read -> " + op.Value
	}
	return op.Kind + " " + op.Value + outcome
}

func main() {
	limit := 30 * time.Second
	objects := map[string][]porcupine.Operation{}
	found := answer{Result: "ok"}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var op operation
		if err := json.Unmarshal(lines.Bytes(), &op); err != nil {
			fmt.Fprintln(os.Stderr, "not an operation:", err)
			os.Exit(2)
		}
		if op.Unknown {
			found.Unknown++
			if op.Kind == "read" {
				continue // It told nobody anything and changed nothing.
			}
			op.Return = math.MaxInt64
		}
		found.Operations++
		name := fmt.Sprintf("%s %d", op.Object, op.Key)
		objects[name] = append(objects[name], porcupine.Operation{
			ClientId: op.Client, Input: op, Call: op.Call, Output: op, Return: op.Return,
		})
	}
	names := make([]string, 0, len(objects))
	for name := range objects {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		result, info := porcupine.CheckOperationsVerbose(model, reduce(objects[name]), limit)
		switch result {
		case porcupine.Illegal:
			found.Illegal = append(found.Illegal, name)
			picture(info, name)
		case porcupine.Unknown:
			found.Undecided = append(found.Undecided, name)
		}
	}
	if len(found.Illegal) > 0 {
		found.Result = "illegal"
	} else if len(found.Undecided) > 0 {
		found.Result = "unknown"
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		os.Exit(2)
	}
}

// picture writes what a person can look at, when the first argument names a directory.
func picture(info porcupine.LinearizationInfo, name string) {
	if len(os.Args) < 2 {
		return
	}
	file, err := os.Create(fmt.Sprintf("%s/history %s.html", os.Args[1], name))
	if err != nil {
		return
	}
	defer file.Close()
	_ = porcupine.Visualize(model, info, file)
}
