package classroom

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/attendance"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/page"
)

// The roll proposes what the class knows, and notes nothing by itself: who came is proposed
// present, who did not is proposed absent once it is time, who waited in our line is neither, and
// says so. The teacher's save is the only thing that marks.
func TestTheRollProposes(t *testing.T) {
	t.Parallel()
	each(t, func(s *school) {
		s.pages.Evidence.Lines = func(_ context.Context, _ database.Tx, _ string, pupils []string, from, until time.Time) (map[string]Line, error) {
			return map[string]Line{"awa": {Waited: []Span{{from, until}}}}, nil
		}
		s.now = s.town.Tuesday.Add(-20 * time.Minute) // 07:40
		beat := func(until time.Time) {
			t.Helper()
			for s.now.Before(until) {
				if err := s.pages.Beat(t.Context(), false); err != nil {
					t.Fatal(err)
				}
				s.now = s.now.Add(pulse)
			}
		}
		beat(s.town.Tuesday.Add(6 * time.Minute))
		roll := func() string {
			t.Helper()
			status, body := s.ask("roy", "GET", "/roll/maths")
			if status != 200 {
				t.Fatal(status)
			}
			return page.Plain(body)
		}
		chosen := func(body, pupil string) string {
			for _, m := range regexp.MustCompile(`name="v-`+pupil+`" value="([a-z]*)" checked`).FindAllStringSubmatch(body, -1) {
				return m[1]
			}
			return "?"
		}
		want := func(what string, pupils map[string]string) {
			t.Helper()
			body := roll()
			for pupil, value := range pupils {
				if got := chosen(body, pupil); got != value {
					t.Errorf("%s: %s is proposed %q, want %q", what, pupil, got, value)
				}
			}
		}
		want("nobody opened the class", map[string]string{"lea": "", "malo": "", "awa": "", "nora": "present"})
		s.get("roy")
		s.get("lea")
		beat(s.town.Tuesday.Add(12 * time.Minute))
		want("too early", map[string]string{"lea": "present", "malo": "", "awa": ""})
		beat(s.town.Tuesday.Add(17 * time.Minute))
		want("at a quarter past", map[string]string{"lea": "present", "malo": "absent", "awa": "", "nora": "present"})
		if body := roll(); !strings.Contains(body, "il était dans notre file d'attente, ce n'est pas une absence") || !strings.Contains(body, "venu à 8 h 06") {
			t.Error("the roll does not say why")
		}
		marks := func() (out map[string]attendance.Mark) {
			s.read(func(ctx context.Context, tx database.Tx) (err error) {
				out, err = attendance.Current(ctx, tx, s.town.School.ID, "maths")
				return err
			})
			return out
		}
		if n := len(marks()); n != 0 {
			t.Errorf("%d marks, and nobody saved", n)
		}
		if status, _ := s.ask("roy", "POST", "/roll/maths", "v-lea", "present", "b-lea", "-1", "v-malo", "absent", "b-malo", "-1", "v-awa", "", "b-awa", "-1", "v-nora", "present", "b-nora", "0"); status != 303 {
			t.Fatal(status)
		}
		got := marks()
		if _, marked := got["awa"]; marked || got["malo"].Value != attendance.Absent || !got["malo"].AtHome || got["nora"].AtHome {
			t.Errorf("%+v", got)
		}
	})
}
