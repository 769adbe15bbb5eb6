package yearstart

import "github.com/preau-ent/preau/internal/account"

// State is how far a step has come.
type State string

// States, the better first.
const (
	Done     State = "done"
	Doubtful State = "doubtful"
	Missing  State = "missing"
)

// Step is one thing of the start of the year.
type Step struct {
	Name  string
	State State
	Items []Item
}

// Item is one line of a step: how many of something, and whether that is as it should be.
type Item struct {
	Name string
	N    int
	Bad  State // what the step becomes because of it; Done: it only informs
	List bool  // who they are can be read
	Link string
}

// add adds a line that is shown where there is something to count.
func (s *Step) add(i Item) {
	if i.N == 0 {
		return
	}
	s.Items = append(s.Items, i)
	if s.State == Done || i.Bad == Missing {
		s.State = i.Bad
	}
}

// Steps lists the steps in the order in which a school takes them.
func (f Facts) Steps() []Step {
	return []Step{f.file(), f.classes(), f.guardians(), f.doubts(), f.timetable(), f.staff(), f.letters(), f.opening()}
}

func (f Facts) file() Step {
	s := Step{Name: "file", State: Done}
	if f.Import.ID == "" && f.Directory.Pupils == 0 {
		s.State = Missing
	}
	return s
}

func (f Facts) classes() Step {
	s := Step{Name: "classes", State: Done}
	d := f.Directory
	if d.Pupils == 0 {
		s.State = Missing
		return s
	}
	s.add(Item{Name: "pupils", N: d.Pupils, Bad: Done, Link: "/pupils"})
	s.add(Item{Name: "noclass", N: len(d.NoClass), Bad: Doubtful, List: true})
	s.add(Item{Name: "empty", N: len(d.Empty), Bad: Doubtful, List: true})
	return s
}

func (f Facts) guardians() Step {
	s := Step{Name: "guardians", State: Done}
	d := f.Directory
	if d.Pupils == 0 || len(d.NoGuardian) == d.Pupils {
		s.State = Missing
	}
	s.add(Item{Name: "reachable", N: len(d.Guardians) - len(d.CallOnly) - len(d.Unreachable), Bad: Done})
	s.add(Item{Name: "noguardian", N: len(d.NoGuardian), Bad: Doubtful, List: true})
	s.add(Item{Name: "unreachable", N: len(d.Unreachable), Bad: Doubtful, List: true})
	s.add(Item{Name: "callonly", N: len(d.CallOnly), Bad: Doubtful, List: true})
	return s
}

func (f Facts) doubts() Step {
	s := Step{Name: "doubts", State: Done}
	doubtful := f.Directory.Tasks["doubtful-link"]
	s.add(Item{Name: "links", N: doubtful, Bad: Doubtful, Link: "/pupils#tasks"})
	s.add(Item{Name: "tasks", N: f.Directory.TaskCount() - doubtful, Bad: Doubtful, Link: "/pupils#tasks"})
	return s
}

func (f Facts) timetable() Step {
	s := Step{Name: "timetable", State: Done}
	if f.Sittings == 0 {
		s.State = Missing
	}
	s.add(Item{Name: "sittings", N: f.Sittings, Bad: Done})
	return s
}

func (f Facts) staff() Step {
	s := Step{Name: "staff", State: Done}
	if len(f.Directory.Staff) == 0 {
		s.State = Missing
	}
	s.add(Item{Name: "staff.ready", N: f.Staff[account.StateReady], Bad: Done})
	s.add(Item{Name: "staff.code", N: f.Staff[account.StateCode], Bad: Done})
	s.add(Item{Name: "staff.none", N: f.Staff[account.StateNone], Bad: Doubtful})
	s.add(Item{Name: "staff.new", N: f.Staff[account.StateNew], Bad: Doubtful})
	s.add(Item{Name: "staff.closed", N: f.Staff[account.StateClosed], Bad: Done})
	return s
}

// letters: a family without one is told all the same; it only cannot look.
func (f Facts) letters() Step {
	s := Step{Name: "letters", State: Done}
	if len(f.Directory.Guardians) == 0 {
		s.State = Missing
	}
	for _, of := range []struct {
		name   string
		states map[account.State]int
	}{{"guardians", f.Guardians}, {"pupils", f.Pupils}} {
		s.add(Item{Name: of.name + ".ready", N: of.states[account.StateReady], Bad: Done})
		s.add(Item{Name: of.name + ".code", N: of.states[account.StateCode], Bad: Done})
		s.add(Item{Name: of.name + ".none", N: of.states[account.StateNone], Bad: Doubtful})
		s.add(Item{Name: of.name + ".new", N: of.states[account.StateNew], Bad: Doubtful})
		s.add(Item{Name: of.name + ".closed", N: of.states[account.StateClosed], Bad: Done})
	}
	return s
}

func (f Facts) opening() Step {
	s := Step{Name: "opening", State: Missing}
	switch {
	case f.InService:
		s.State = Done
	case f.Rehearsed, f.Rehearsal:
		s.State = Doubtful
	}
	return s
}

// Count is how many steps are in a state.
func Count(steps []Step, state State) (n int) {
	for _, s := range steps {
		if s.State == state {
			n++
		}
	}
	return n
}
