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

// faults are what programs with a fault would send, by drill, and the figures that must show
// each.
var faults = map[string]map[string]struct {
	plant func() func(Message) []Message
	leak  []string // at each of these moments one message leaves that must not
	omits string   // what it would not know of
	shows []string
}{
	"saint-philippe": {"leaks": {leak: []string{"queue_of_last_year", "restored_database", "copied_folder", "clock_behind", "first_service"},
		shows: []string{"queue_of_last_year", "restored_database", "copied_folder", "clock_behind", "first_service", "wrong_messages", "unexplained"}}},
	"rodez": {"a-route-that-takes-a-recipient": {leak: []string{"attack"}, shows: []string{"routes_accepting_a_recipient", "wrong_messages", "unexplained"}}},
	"bastogne": {
		"leaks":     {leak: []string{"held"}, shows: []string{"wrong_messages", "unexplained"}},
		"twice":     {plant: oneTwice, shows: []string{"duplicates"}},
		"exchanged": {plant: exchanged, shows: []string{"wrong_messages"}},
	},
	"ordinary-monday": {
		"one-expected-told": {leak: []string{"substitute"}, shows: []string{"wrong_messages", "unexplained"}},
		"twice":             {plant: oneTwice, shows: []string{"duplicates"}},
		"one-missed":        {plant: oneMissed, shows: []string{"missed", "untold"}},
	},
	"quiet-pupils": {
		"no-evidence-of-waiting": {omits: "line", shows: []string{"falsely_absent", "alerts_for_our_own_fault", "wrong_messages"}},
		"an-outage-unknown":      {omits: "outage", shows: []string{"falsely_absent", "alerts_for_our_own_fault", "wrong_messages"}},
		"a-sign-that-is-none":    {omits: "silence", shows: []string{"silent_not_named"}},
		"one-message-more":       {leak: []string{"after_class"}, shows: []string{"wrong_messages", "unexplained"}},
	},
	"late-bus": {"no-arrival": {plant: noArrival, shows: []string{"missed"}}},
}

// leaking lets one message out at each moment: that of Rodez, with no name in it.
func leaking(moments []string) func(string) []Message {
	left := slices.Clone(moments)
	return func(when string) []Message {
		i := slices.Index(left, when)
		if i < 0 {
			return nil
		}
		left = slices.Delete(left, i, i+1)
		return []Message{{To: "sms +33639980499", Text: "Votre enfant est absent de l'établissement ce jour"}}
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

// oneMissed: nobody hears about the first pupil of whom an absence is told.
func oneMissed() func(Message) []Message {
	name := ""
	return func(m Message) []Message {
		words := strings.Fields(strings.TrimPrefix(fold(m.Text), "lycee alice-guy: "))
		if who := strings.Join(words[:min(len(words), 2)], " "); m.kind() == absence && name == "" {
			name = who
		}
		if name != "" && strings.Contains(fold(m.Text), name) {
			return nil
		}
		return []Message{m}
	}
}

// TestDrills: each drill of a wrong message is passed by the program as it is, and is not by
// one that sends one message too many, or one too few. The crowded mornings are measurements:
// make drills.
func TestDrills(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(faults)) {
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
		for fault, f := range faults[name] {
			t.Run(name+"-with-"+fault, func(t *testing.T) {
				t.Parallel()
				o := Options{Program: theProgram, Scale: 0.05, Seed: 3, leak: leaking(f.leak), omits: f.omits}
				if f.plant != nil {
					o.plant = f.plant()
				}
				r, err := Run(t.Context(), name, o)
				if err != nil {
					t.Fatal(err)
				}
				if r.Passed {
					t.Error("it passed")
				}
				for _, figure := range f.shows {
					if r.Figures[figure] == 0 {
						t.Errorf("%s is 0: the fault was not seen", figure)
					}
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
