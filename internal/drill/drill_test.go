package drill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// program is the real one, built for these tests.
var theProgram string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		folder, err := os.MkdirTemp("", "preau-drill-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		theProgram = filepath.Join(folder, "preau")
		if out, err := exec.Command("go", "build", "-o", theProgram, "github.com/preau-ent/preau/cmd/preau").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// plants are what programs with a fault would send, by drill, and the figure that must show
// each.
var plants = map[string]map[string]func() func(Message) []Message{
	"saint-philippe": {"wrong_messages": oneTooMany},
	"rodez":          {"wrong_messages": oneTooMany},
	"bastogne":       {"duplicates": oneTwice, "wrong_messages": exchanged},
	"late-bus":       {"missed": noArrival},
}

// oneTooMany: the first message goes to another family as well.
func oneTooMany() func(Message) []Message {
	var done atomic.Bool
	return func(m Message) []Message {
		if done.Swap(true) {
			return []Message{m}
		}
		other := m
		other.To = "sms +33639980499"
		return []Message{m, other}
	}
}

// oneTwice: the first SMS goes twice.
func oneTwice() func(Message) []Message {
	var done atomic.Bool
	return func(m Message) []Message {
		if strings.HasPrefix(m.To, "email ") || done.Swap(true) {
			return []Message{m}
		}
		return []Message{m, m}
	}
}

// exchanged: two families read each other's message.
func exchanged() func(Message) []Message {
	var kept *Message
	done := false
	return func(m Message) []Message {
		switch {
		case done || strings.HasPrefix(m.To, "email ") || m.kind() != absence:
		case kept == nil:
			kept = &m
			return nil
		case kept.To != m.To && referenceWords.ReplaceAllString(kept.Text, "") != referenceWords.ReplaceAllString(m.Text, ""): // of two pupils
			done = true
			kept.Text, m.Text = m.Text, kept.Text
			return []Message{*kept, m}
		}
		return []Message{m}
	}
}

// noArrival: one arrival never leaves.
func noArrival() func(Message) []Message {
	var done atomic.Bool
	return func(m Message) []Message {
		if m.kind() != arrival || done.Swap(true) {
			return []Message{m}
		}
		return nil
	}
}

// TestDrills: each drill of a wrong message is passed by the program as it is, and is not by
// one that sends one message too many, or one too few. The crowded mornings are measurements:
// make drills.
func TestDrills(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(plants)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			r, err := Run(t.Context(), name, Options{Program: theProgram, Scale: 0.05, Seed: 3, Log: &log})
			if err != nil {
				t.Fatalf("%v\n%s", err, log.String())
			}
			if r.WriteTable(&log); !r.Passed {
				t.Fatalf("not passed:\n%s", log.String())
			}
			for _, figure := range []string{"families", "messages_at_sink", "wrong_messages", "duplicates", "missed", "unexplained", "held", "held_without_reason", "slowest_correction_s", "detected_s"} {
				if _, ok := r.Figures[figure]; !ok {
					t.Errorf("the figure %s is missing", figure)
				}
			}
			if r.Figures["messages_at_sink"] == 0 {
				t.Error("nothing reached the sink: this drill could not fail")
			}
			checkReport(t, r)
		})
		for figure, plant := range plants[name] {
			t.Run(name+"-with-"+figure, func(t *testing.T) {
				t.Parallel()
				r, err := Run(t.Context(), name, Options{Program: theProgram, Scale: 0.05, Seed: 3, plant: plant()})
				if err != nil {
					t.Fatal(err)
				}
				if r.Passed || r.Figures[figure] == 0 {
					t.Errorf("the fault was not seen: passed %v, %s %g", r.Passed, figure, r.Figures[figure])
				}
			})
		}
	}
}

// checkReport: the JSON is one object of numbers, the report one file that asks for nothing.
func checkReport(t *testing.T, r Result) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Drill   string
		Passed  bool
		Seconds float64
		Figures map[string]float64
	}
	d := json.NewDecoder(&b)
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil || out.Drill != r.Drill || !out.Passed || out.Seconds <= 0 || len(out.Figures) == 0 {
		t.Errorf("the JSON: %v %+v", err, out)
	}
	b.Reset()
	if err := r.WriteReport(&b); err != nil {
		t.Fatal(err)
	}
	for _, outside := range []string{"http://", "https://", "<script", "@import", "url("} {
		if strings.Contains(b.String(), outside) {
			t.Errorf("the report asks for something outside of it: %s", outside)
		}
	}
	for _, name := range []string{r.Drill, r.Title} {
		if !strings.Contains(b.String(), name) {
			t.Errorf("the report does not say %q", name)
		}
	}
}

// TestDrillsThatAreNone: a wrong name or scale is said at once.
func TestDrillsThatAreNone(t *testing.T) {
	for name, o := range map[string]Options{"nantes": {}, "rodez": {Scale: 2}, "bastogne": {Scale: -1}} {
		if _, err := Run(t.Context(), name, o); err == nil {
			t.Errorf("%s %+v was run", name, o)
		}
	}
}
