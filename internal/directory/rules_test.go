package directory

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const today = "2026-11-24"

var then = time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)

// drawCase draws a pupil with any mixture of links, decisions and objections.
func drawCase(t *rapid.T) Case {
	pupil := Person{ID: "p", Kind: KindPupil,
		Born:   rapid.SampledFrom([]string{"", "2012-05-01", "2008-11-24", "2008-11-25", "2007-01-01"}).Draw(t, "born"),
		LeftOn: rapid.SampledFrom([]string{"", "", "", "2026-11-24", "2026-11-25"}).Draw(t, "left")}
	c := Case{Pupil: pupil, Adults: map[string]Person{}}
	for i := range rapid.IntRange(0, 5).Draw(t, "adults") {
		id := fmt.Sprint("a", i)
		c.Adults[id] = Person{ID: id, Kind: KindAdult}
		l := Link{Pupil: "p", Adult: id, Level: rapid.SampledFrom([]Level{Legal, Carer, Contact}).Draw(t, "level"), Priority: rapid.IntRange(0, 3).Draw(t, "priority")}
		if rapid.Bool().Draw(t, "chosen") {
			l.ChosenAt, l.ChosenBy = then, "x"
		}
		if rapid.IntRange(0, 5).Draw(t, "ended") == 0 {
			l.EndedAt = then
		}
		c.Links = append(c.Links, l)
		if rapid.IntRange(0, 3).Draw(t, "decision") == 0 {
			d := Decision{Pupil: "p", Adult: id, FromOn: rapid.SampledFrom([]string{"2026-01-01", "2026-11-24", "2026-11-25"}).Draw(t, "from"),
				UntilOn: rapid.SampledFrom([]string{"", "2026-11-23", "2026-11-24"}).Draw(t, "until")}
			if rapid.IntRange(0, 3).Draw(t, "lifted") == 0 {
				d.LiftedAt = then
			}
			// Of this pupil, or of a sibling with the same adult.
			if rapid.IntRange(0, 3).Draw(t, "sibling") == 0 {
				d.Pupil = "sibling"
			}
			c.Decisions = append(c.Decisions, d)
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "objection") == 0 {
		c.Objections = append(c.Objections, Objection{Pupil: "p"})
	}
	return c
}

func TestEntitledProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		got := map[string]Standing{}
		for _, s := range Entitled(c, today) {
			if _, twice := got[s.Person]; twice {
				t.Fatalf("%s stands twice", s.Person)
			}
			if s.Why == "" {
				t.Fatalf("%s has no reason", s.Person)
			}
			got[s.Person] = s
		}
		left := c.Pupil.LeftOn != "" && c.Pupil.LeftOn <= today
		ofAge := OfAge(c.Pupil.Born, today)
		if ofAge != (c.Pupil.Born == "2008-11-24" || c.Pupil.Born == "2007-01-01") {
			t.Fatalf("born %s: of age %v", c.Pupil.Born, ofAge)
		}
		if s, ok := got["p"]; ok != ofAge || s.Told != (ofAge && !left) {
			t.Fatalf("the pupil: %+v, of age %v, left %v", s, ofAge, left)
		}
		objects := ofAge && len(c.Objections) > 0
		for _, l := range c.Links {
			s, ok := got[l.Adult]
			if !ok {
				t.Fatalf("%s has no standing", l.Adult)
			}
			denied := false
			for _, d := range c.Decisions {
				if d.Pupil == "p" && d.Adult == l.Adult && d.LiftedAt.IsZero() && d.FromOn <= today && (d.UntilOn == "" || d.UntilOn >= today) {
					denied = true
				}
			}
			chosen := !l.ChosenAt.IsZero()
			if want := !denied && !left && l.EndedAt.IsZero() && !objects && (l.Level == Legal || chosen); s.Told != want {
				t.Fatalf("%+v: told %v (%s), want %v", l, s.Told, s.Why, want)
			}
			if denied && s.Why != NotCourt {
				t.Fatalf("denied by a court, and the reason is %s", s.Why)
			}
		}
	})
}

// A link of a sibling, were it handed in by mistake, changes nothing.
func TestSiblingsAreIndependent(t *testing.T) {
	c := Case{Pupil: Person{ID: "p"}, Adults: map[string]Person{"a": {ID: "a"}},
		Links:     []Link{{Pupil: "sibling", Adult: "a", Level: Legal}},
		Decisions: []Decision{{Pupil: "sibling", Adult: "a", FromOn: "2026-01-01"}}}
	if got := Entitled(c, today); len(got) != 0 {
		t.Fatalf("a sibling's link counted: %+v", got)
	}
}

func TestOfAge(t *testing.T) {
	for _, c := range []struct {
		born, day string
		want      bool
	}{
		{"2008-11-25", "2026-11-24", false},
		{"2008-11-24", "2026-11-24", true},
		{"2008-02-29", "2026-02-28", false},
		{"2008-02-29", "2026-03-01", true},
		{"", "2026-11-24", false},
	} {
		if got := OfAge(c.born, c.day); got != c.want {
			t.Errorf("born %s, on %s: %v", c.born, c.day, got)
		}
	}
}

func TestUsable(t *testing.T) {
	own := []ContactPoint{{Channel: SMS, Address: "+33639980100"}}
	guardian := Standing{Person: "a", Link: Link{Level: Legal}}
	for _, c := range []struct {
		name  string
		point ContactPoint
		who   Standing
		want  PointReason
	}{
		{"plain", ContactPoint{Channel: SMS, Address: "+33639980101"}, guardian, PointUsable},
		{"no consent", ContactPoint{Channel: SMS, Address: "+33639980101"}, Standing{Person: "a", Link: Link{SMSConsent: ConsentNo}}, PointNoConsent},
		{"no consent, mail", ContactPoint{Channel: Email, Address: "a@famille.example"}, Standing{Person: "a", Link: Link{SMSConsent: ConsentNo}}, PointUsable},
		{"the pupil's own number", ContactPoint{Channel: SMS, Address: "+33639980100"}, guardian, PointPupils},
		{"the pupil's own number, verified", ContactPoint{Channel: SMS, Address: "+33639980100", VerifiedAt: then}, guardian, PointUsable},
		{"the pupil, of age", ContactPoint{Channel: SMS, Address: "+33639980100"}, Standing{Person: "p"}, PointUsable},
		{"landline", ContactPoint{Channel: Phone, Address: "+33199000001"}, guardian, PointVoiceOnly},
		{"ended", ContactPoint{Channel: SMS, Address: "+33639980101", EndedAt: then}, guardian, PointEnded},
		{"empty", ContactPoint{Channel: SMS}, guardian, PointUnreadable},
		{"stopped", ContactPoint{Channel: SMS, Address: "+33639980101", StoppedAt: then}, guardian, PointStopped},
		{"stopped, verified", ContactPoint{Channel: SMS, Address: "+33639980101", StoppedAt: then, VerifiedAt: then}, guardian, PointStopped},
		{"stopped mail", ContactPoint{Channel: Email, Address: "a@famille.example", StoppedAt: then}, guardian, PointStopped},
		{"stopped and ended", ContactPoint{Channel: SMS, Address: "+33639980101", StoppedAt: then, EndedAt: then}, guardian, PointEnded},
		{"resumed", ContactPoint{Channel: SMS, Address: "+33639980101", StoppedWhy: "asked for it"}, guardian, PointUsable},
	} {
		if got := usable(c.point, c.who, "p", own); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
