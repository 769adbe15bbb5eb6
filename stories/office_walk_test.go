package stories

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/preau-ent/preau/peers/browser"
)

// somebody is at a window, and says what cannot be done.
type somebody struct {
	*browser.Tab
	t    *testing.T
	d    *demo
	who  string
	keys int // pressed
}

// at is who sits at a window of a width; signed in by hand, as everybody is.
func (d *demo) at(t *testing.T, b *browser.Browser, role string, width int) *somebody {
	t.Helper()
	return &somebody{Tab: d.as(t, b, role, browser.Options{Width: width}), t: t, d: d, who: role}
}

// key presses keys, and counts them.
func (s *somebody) key(names ...string) {
	s.t.Helper()
	s.keys += len(names)
	s.Press(names...)
}

// types types a word where the keyboard is.
func (s *somebody) types(word string) {
	s.t.Helper()
	for _, r := range word {
		s.key(string(r))
	}
}

// is tells whether the keyboard is where a selector says.
func (s *somebody) is(css string) bool {
	return browser.Eval[bool](s.Tab, fmt.Sprintf("document.activeElement?.matches(%q) ?? false", css))
}

// starts waits until the keyboard is there without a key pressed: the page may have to come.
func (s *somebody) starts(css string) {
	s.t.Helper()
	s.Wait(":is(" + css + "):focus")
}

// tabTo goes there by Tab, and sees at each stop where the keyboard is.
func (s *somebody) tabTo(css string, most int) {
	s.t.Helper()
	for range most {
		s.key("Tab")
		if _, hidden := s.Stop(); hidden != "" {
			s.t.Errorf("%s: nobody sees that the keyboard is at %s", s.who, hidden)
		}
		if s.is(css) {
			return
		}
	}
	s.t.Fatalf("%s: %s is not reached with %d Tabs; the keyboard is at %s", s.who, css, most, browser.Eval[string](s.Tab, "document.activeElement.outerHTML.slice(0, 120)"))
}

// seen keeps a picture, and wants no dialog, nothing that axe finds, nothing wider than the screen.
func (s *somebody) seen(name string) {
	s.t.Helper()
	if browser.Eval[bool](s.Tab, `document.querySelector("dialog[open]") !== null`) {
		s.t.Errorf("%s: %s asks in a dialog", s.who, name)
	}
	s.NoViolations(s.who + " " + name)
	s.Fits(s.who + " " + name)
	s.Keep("walk-" + s.who + "-" + name)
}

// pupil is the id of a pupil on the open roll.
func (s *somebody) pupil(name string) string {
	s.t.Helper()
	id := browser.Eval[string](s.Tab, fmt.Sprintf(`[...document.querySelectorAll("fieldset[data-pupil]")].find(f => f.textContent.includes(%q))?.dataset.pupil ?? ""`, name))
	if id == "" {
		s.t.Fatalf("%s is not on the roll", name)
	}
	return id
}

// TestTheOfficesMorning is a morning of the office from the first call to the last family, with
// the real program: the secretary has a keyboard and no mouse, the supervisor a phone at the
// gate, the teacher a roll, a mother a phone. Nobody meets a dialog. PREAU_PICTURES keeps it.
func TestTheOfficesMorning(t *testing.T) {
	d := startDemo(t)
	b := browser.Start(t)

	// 8:00. The secretary signs in.
	office := &somebody{Tab: b.Tab(t, browser.Options{Width: 1280}), t: t, d: d, who: "secretary"}
	office.Go(d.url + "/sign-in")
	office.starts("input[name=identifier]")
	office.types(d.name["secretary"])
	office.key("Tab")
	office.types(d.password["secretary"])
	office.key("Enter")
	office.Wait("form[action='/sign-out']")
	office.seen("today")

	// A mother telephones: Sami is ill. Three letters, and Enter three times.
	office.key("Alt+3") // the third page of the bar
	office.starts("#f-name")
	from := office.keys
	office.types("ben sam")
	office.key("Enter")
	office.starts(".plan-form input[name=reason]")
	if text := office.Text(".picked"); !strings.Contains(text, "Sami Benali") {
		t.Fatalf("the secretary looks for Sami and finds %q", text)
	}
	office.seen("announce")
	office.key("Enter")
	office.Wait("main .notice.done")
	if text := office.Text("main .notice.done"); !strings.Contains(text, "Sami Benali") {
		t.Fatalf("announced: %q", text)
	}
	if took := office.keys - from; took > 9 {
		t.Errorf("an absence announced by telephone takes %d keys, with seven letters", took)
	}
	office.starts("#f-name") // the next one is on the line
	office.seen("announced")

	// 8:05. A teacher calls the roll; on the board of the office it appears by itself.
	office.key("Alt+2")
	office.Wait("#day")
	teacher := d.at(t, b, "teacher", 360)
	advance(teacher.Tab, "5m0s")
	teacher.Click("main a[href^='/roll/']")
	teacher.Wait("form[action^='/roll/']")
	lea, awa := teacher.pupil("Léa Benali"), teacher.pupil("Awa Sangaré")
	late := browser.Eval[string](teacher.Tab, `document.querySelectorAll("fieldset[data-pupil]")[0].dataset.pupil`)
	lost := browser.Eval[string](teacher.Tab, `document.querySelectorAll("fieldset[data-pupil]")[1].dataset.pupil`)
	for _, id := range []string{lea, awa, late, lost} {
		teacher.Click("fieldset[data-pupil='" + id + "'] .seg label:first-child")
	}
	teacher.seen("roll")
	teacher.Click("form[action^='/roll/'] .savebar button")
	teacher.Wait("main .notice")
	for _, id := range []string{lea, awa, late, lost} {
		office.Wait("#day-held #row-" + id)
	}
	office.seen("held")
	name := func(id string) string {
		return browser.Eval[string](office.Tab, fmt.Sprintf(`document.querySelector("#open-%s b").textContent`, id))
	}
	lateName := name(late)

	// Search by three letters; Enter opens who is found, Escape closes.
	office.key("/")
	office.starts("#day-find")
	office.types("ben")
	office.Do(chromedp.WaitNotVisible(chromedp.CSS("#row-" + awa)))
	office.key("Enter")
	office.starts("#open-" + lea)
	office.key("Enter")
	office.Wait("#acts-" + lea + " button")
	office.seen("found")
	office.key("Escape", "/", "Escape")
	office.Wait("#row-" + awa)

	// Somebody walks in late, to the office's desk: found, a slip, and no longer missed.
	office.key("Alt+4")
	office.starts("#f-name")
	if !browser.Eval[bool](office.Tab, `document.querySelector(".tabs [aria-current]").href.includes("late")`) {
		t.Fatal("the office's desk does not begin with who walks in late")
	}
	office.types(lateName)
	office.key("Enter")
	office.starts("#who form button")
	office.seen("late")
	office.key("Enter")
	office.Wait("main .notice.done a[href^='/slips/']")
	teacher.Go(browser.Eval[string](teacher.Tab, "location.href"))
	if text := teacher.Text("fieldset[data-pupil='" + late + "'], [data-pupil='" + late + "']"); !strings.Contains(text, "billet") {
		t.Errorf("the teacher does not see the slip: %q", text)
	}
	teacher.seen("slip")

	// The supervisor at the gate, on a phone: who stands there is in study hall.
	gate := d.at(t, b, "supervisor", 360)
	gate.Go(d.url + "/day")
	gate.seen("day")
	gate.Click("#open-" + lost)
	gate.Wait("#acts-" + lost + " button[value=study]")
	gate.seen("row")
	gate.Click("#acts-" + lost + " button[value=study]")
	gate.Wait("#day-inside #row-" + lost)
	gate.seen("inside")

	// 8:15. The hold is over: Léa's mother is told, Awa's family has no address and is telephoned.
	advance(office.Tab, "10m0s")
	office.Go(d.url + "/day")
	office.Wait("#day-told #row-" + lea)
	office.Wait("#day-call #row-" + awa)
	if browser.Eval[bool](office.Tab, fmt.Sprintf(`["#day-told", "#day-call", "#day-held"].some(s => document.querySelector(s + " #row-%s, " + s + " #row-%s") !== null)`, late, lost)) {
		t.Error("somebody who is in the building is told of, or is to be")
	}
	office.seen("told")
	office.key("/")
	office.types("sang")
	office.key("Enter")
	office.starts("#open-" + awa)
	office.key("2") // an answering machine
	office.Wait("#day-called #row-" + awa)
	office.seen("called")
	office.Go(d.url + "/courrier")
	if letters := office.Text("main"); !strings.Contains(letters, "n'est pas en maths depuis 8h05") || strings.Contains(letters, strings.Fields(lateName)[0]) {
		t.Errorf("the letters: %s", letters)
	}

	// Her mother reads it, announces tomorrow, and justifies with a document.
	mother := d.at(t, b, "guardian", 360)
	mother.seen("today")
	mother.Click("main a[href='/children/" + lea + "/announce']")
	mother.Wait("form[action$='/announce']")
	mother.seen("announce")
	mother.Click("button[value=tomorrow]")
	mother.Wait("main .notice.done a")
	mother.Click("main .notice.done a")
	mother.Wait("#f-document")
	browser.Eval[bool](mother.Tab, `(() => { const today = new Date(document.querySelector(".demo time").dateTime).toISOString().slice(0, 10); document.querySelector("#f-from").value = today; document.querySelector("#f-until").value = today; return true })()`)
	mother.Click("input[name=reason][value=illness]")
	paper := filepath.Join(t.TempDir(), "certificat.pdf")
	if err := os.WriteFile(paper, []byte("%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mother.Do(chromedp.SetUploadFiles(chromedp.CSS("#f-document"), []string{paper}))
	mother.seen("justify")
	mother.Click("form[action$='/register'] .btn.main")
	mother.Wait("main .notice.done")
	mother.seen("justified")

	// 8:45. The secretary examines it, and it is accepted by one key.
	office.key("Alt+5")
	office.Wait("#waiting")
	office.tabTo("form[action^='/justifications/'] button", 40)
	office.seen("justification")
	office.key("Enter")
	office.Do(chromedp.WaitNotPresent(chromedp.CSS("#waiting")))
	office.seen("register")

	t.Logf("the secretary pressed %d keys", office.keys)
	for _, s := range []*somebody{office, teacher, gate, mother} {
		s.Quiet(s.who)
	}
}
