package stories

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/preau-ent/preau/internal/alert"
	"github.com/preau-ent/preau/internal/courier"
	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/directory"
	"github.com/preau-ent/preau/peers"
)

// tortureRuns is how many random mornings are tried: PREAU_TORTURE, 100 without it.
func tortureRuns(t *testing.T) int {
	if testing.Short() {
		return 12
	}
	n, err := strconv.Atoi(os.Getenv("PREAU_TORTURE"))
	if os.Getenv("PREAU_TORTURE") == "" {
		return 100
	}
	if err != nil || n < 1 {
		t.Fatal("PREAU_TORTURE is a number of runs")
	}
	return n
}

// tortureSteps are where a program is killed: everything that is durable about a letter.
var tortureSteps = []string{alert.StepDecided, alert.StepTold, courier.StepClaimed, courier.StepWriting, courier.StepAnswered, courier.StepSettled, courier.StepReceived}

// TestTorture tries random mornings with every fault that a carrier, a network, a clock
// and a kill -9 can make, on one program or two, and counts at the far sides: no SMS
// twice, none to a number that is not its recipient's, none lost without being unsure or
// on the telephone list, and no word of ours that the far side did not say.
func TestTorture(t *testing.T) {
	w := newWire(t)
	for seed := range tortureRuns(t) {
		engine := database.SQLite
		if seed%3 == 2 {
			engine = database.Postgres
		}
		step := tortureSteps[seed%len(tortureSteps)]
		t.Run(fmt.Sprintf("%04d-%s-%s", seed, step, engine), func(t *testing.T) {
			newOrdeal(t, uint64(seed), engine, w).run(step)
		})
	}
	w.wasNotIdle(t)
}

// wire is every far side, started once: SMS centres with receipts of several kinds, a
// provider over HTTP, a mail server.
type wire struct {
	mail    *peers.MailServer
	centres []*peers.SMSCentre
	gateway *peers.HTTPGateway
	states  map[courier.State]int // of all letters of all runs, at their end
}

func newWire(t *testing.T) *wire {
	w := &wire{mail: peers.SMTP(t), gateway: peers.Gateway(t, peers.GatewayOptions{Mode: peers.Twilio, User: "AC-fictional", Password: "token"}), states: map[courier.State]int{}}
	for _, receipts := range []peers.SMSReceipts{peers.SMSDelivered, peers.SMSEarly, peers.SMSReceiptTwice, peers.SMSOtherCase, peers.SMSDecimal, peers.SMSFailed, peers.SMSUnknownID} {
		w.centres = append(w.centres, peers.SMPP(t, peers.SMSCentreOptions{SystemID: "preau", Password: "secret", Receipts: receipts}))
	}
	return w
}

// wasNotIdle fails when the runs did not meet what they are there for.
func (w *wire) wasNotIdle(t *testing.T) {
	t.Logf("letters at the end: %v", w.states)
	for _, s := range []courier.State{courier.Left, courier.Delivered, courier.Unsure, courier.Refused} {
		if w.states[s] == 0 && !testing.Short() {
			t.Errorf("no letter ended %s: the faults were not played", s)
		}
	}
}

// ordeal is one random morning.
type ordeal struct {
	*killing
	wire    *wire
	centres []*peers.SMSCentre // that this run's carrier files name
	http    bool
	seen    map[*peers.SMSCentre]int // messages of earlier runs
	posted  int
}

func newOrdeal(t *testing.T, seed uint64, engine database.Engine, w *wire) *ordeal {
	o := &ordeal{killing: newKilling(t, seed, engine, w.mail), wire: w, seen: map[*peers.SMSCentre]int{}}
	o.posted = len(w.gateway.Requests())
	for range 1 + o.random.IntN(2) {
		c := w.centres[o.random.IntN(len(w.centres))]
		if !slices.Contains(o.centres, c) {
			o.centres = append(o.centres, c)
			o.seen[c] = len(c.Messages())
		}
	}
	o.http = o.random.IntN(3) == 0
	if o.http && o.random.IntN(2) == 0 {
		o.centres = nil
	}
	programs := 1
	if engine == database.Postgres && o.random.IntN(2) == 0 {
		programs = 2
	}
	for range programs {
		o.addrs = append(o.addrs, freeAddr(t))
	}
	o.writeCarriers()
	o.patience = func(busy int) time.Duration {
		if busy%60 != 59 { // two thirds of a second in which nothing was finished
			return 0
		}
		if busy%120 == 59 {
			return 130 * time.Second // whoever waits for an answer is shown unsure
		}
		o.release()
		return time.Second
	}
	o.release = func() {
		for _, c := range o.centres {
			c.Release()
		}
		w.gateway.Release()
		w.mail.Release()
	}
	return o
}

func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// writeCarriers writes this run's carrier files into the data folder.
func (o *ordeal) writeCarriers() {
	o.t.Helper()
	data, _ := strings.CutPrefix(o.env[0], childData+"=")
	folder := filepath.Join(data, "carriers")
	write := func(name string, value any) { writeFile(o.t, folder, name, value) }
	write("secret", "secret")
	for i, c := range o.centres {
		write(fmt.Sprintf("centre-%d.json", i), map[string]any{"kind": "smpp", "sender": "LYCEE", "weight": 1 + o.random.IntN(3), "answer_seconds": 1,
			"smpp":    map[string]any{"host": c.Host(), "port": c.Port(), "tls": "none", "system_id": "preau", "window": 1 + o.random.IntN(10)},
			"secrets": map[string]any{"password": map[string]any{"file": "secret"}}})
	}
	if o.http {
		writeGateway(o.t, folder, o.wire.gateway)
	}
}

// writeFile writes a file of a folder of carriers: a text as it is, anything else as JSON.
func writeFile(t testing.TB, folder, name string, value any) {
	t.Helper()
	text, ok := value.(string)
	if !ok {
		b, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

const gatewaySecret = "callback-secret-of-a-test-0123456789"

// writeGateway writes the carrier file gateway.json: the documented example, with the
// address and the credentials of a provider on this machine.
func writeGateway(t testing.TB, folder string, gateway *peers.HTTPGateway) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "docs", "carriers", "twilio.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	part := f["http"].(map[string]any)
	part["url"] = gateway.URL() + "/2010-04-01/Accounts/AC-fictional/Messages.json"
	delete(part, "check")
	part["auth"] = map[string]any{"kind": "basic", "user": "AC-fictional", "secret": "auth_token"}
	f["secrets"] = map[string]any{"auth_token": map[string]any{"file": "token"}, "callback": map[string]any{"file": "callback"}}
	f["answer_seconds"] = 1
	writeFile(t, folder, "token", "token")
	writeFile(t, folder, "callback", gatewaySecret)
	writeFile(t, folder, "gateway.json", f)
}

// smsFaults are what an SMS centre may do to one message of a run.
var smsFaults = []peers.SMSFault{
	{At: peers.AtAccept, Do: peers.SMSDrop},
	{At: peers.AtBind, Do: peers.SMSRefuse, Status: peers.ESMEBindFailed},
	{At: peers.AtBind, Do: peers.SMSDrop},
	{At: peers.AtRead, Do: peers.SMSDrop},
	{At: peers.AtSubmit, Do: peers.SMSDrop},
	{At: peers.AtSubmit, Do: peers.SMSStall},
	{At: peers.AtSubmit, Do: peers.SMSTwice},
	{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMEInvalidDest},
	{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMESystemError},
	{At: peers.AtSubmit, Do: peers.SMSRefuseBody, Status: peers.ESMEQueueFull},
	{At: peers.AtSubmit, Do: peers.SMSRefuse, Status: peers.ESMEThrottled, Times: 2},
	{At: peers.AtSubmit, Do: peers.SMSNack, Status: peers.ESMESystemError},
}

// gatewayFaults are what a provider over HTTP may do.
var gatewayFaults = []peers.GatewayFault{
	{Do: peers.GatewayDropUnread}, {Do: peers.GatewayDrop}, {Do: peers.GatewayStall}, {Do: peers.GatewayAnswer, Status: 500, Body: "{}"},
	{Do: peers.GatewayRefuse, Status: 429, Body: `{"code":20429}`}, {Do: peers.GatewayRefuse, Status: 400, Body: `{"code":21211}`}, {Do: peers.GatewayHuge}, {Do: peers.GatewayRedirect},
	{Do: peers.GatewaySlow}, {Do: peers.GatewayCut}, {Do: peers.GatewayReset}, {Do: peers.GatewayRaw, Body: "HTTP/1.1 2OO OK\r\n\r\n"}, {Do: peers.GatewayEarly},
}

func (o *ordeal) plan() {
	mail := []peers.Fault{}
	if o.random.IntN(2) == 0 {
		all := append([]peers.Fault{{At: peers.AtAnswer, Do: peers.Stall}}, faults...)
		mail = append(mail, all[o.random.IntN(len(all))])
	}
	o.server.Plan(mail...)
	for _, c := range o.centres {
		var some []peers.SMSFault
		for range o.random.IntN(3) {
			some = append(some, smsFaults[o.random.IntN(len(smsFaults))])
		}
		c.Plan(some...)
	}
	var some []peers.GatewayFault
	for range o.random.IntN(3) {
		some = append(some, gatewayFaults[o.random.IntN(len(gatewayFaults))])
	}
	o.wire.gateway.Plan(some...)
}

func (o *ordeal) run(step string) {
	o.plan()
	for range 1 + o.random.IntN(2) {
		at := []string{step + " " + fmt.Sprint(1+o.random.IntN(3))}
		if len(o.addrs) == 2 {
			at = append(at, tortureSteps[o.random.IntN(len(tortureSteps))]+" "+fmt.Sprint(1+o.random.IntN(3)))
		}
		o.live(at...)
		// The machine's clock is found before or after what it was.
		o.now = o.now.Add([]time.Duration{2 * time.Second, 90 * time.Second, -20 * time.Second}[o.random.IntN(3)])
	}
	o.live(make([]string, len(o.addrs))...)
	o.judge() // what went by e-mail
	o.judgeSMS()
}

// counted is what the far sides took for telephones in this run.
type counted struct {
	to   map[string]int // number without plus → copies
	text string
}

// taken gathers the messages of this run by the reference that they hold: whole ones, and
// for those in parts the most copies of any part.
func (o *ordeal) taken(letters []courier.Letter) map[string]counted {
	out := map[string]counted{}
	count := func(to, text string) {
		for _, l := range letters {
			if l.Channel == directory.SMS && strings.Contains(text, l.Code) {
				c := out[l.ID]
				if c.to == nil {
					c.to = map[string]int{}
				}
				c.to[strings.TrimPrefix(to, "+")]++
				c.text = text
				out[l.ID] = c
				return
			}
		}
		o.t.Errorf("a message of no letter was taken")
	}
	type whole struct {
		to         string
		ref, total int
	}
	for _, c := range o.centres {
		parts := map[whole]map[int][]string{}
		for _, m := range c.Messages()[o.seen[c]:] {
			if !m.Taken {
				continue
			}
			if m.Total == 0 {
				count(m.To, m.Text)
				continue
			}
			key := whole{m.To, m.Ref, m.Total}
			if parts[key] == nil {
				parts[key] = map[int][]string{}
			}
			parts[key][m.Part] = append(parts[key][m.Part], m.Text)
		}
		for key, p := range parts {
			text, copies := "", 0
			for n := 1; n <= key.total; n++ {
				if copies = max(copies, len(p[n])); len(p[n]) > 0 {
					text += p[n][0]
				}
			}
			for range copies {
				count(key.to, text)
			}
		}
	}
	for _, r := range o.wire.gateway.Requests()[o.posted:] {
		if r.Taken {
			for _, to := range r.To {
				count(to, r.Text)
			}
		}
	}
	return out
}

// judgeSMS counts at the far sides.
func (o *ordeal) judgeSMS() {
	o.t.Helper()
	var letters []courier.Letter
	var calls []alert.Call
	number := map[string]string{}
	err := o.db.Read(o.t.Context(), func(ctx context.Context, tx database.Tx) (err error) {
		if letters, err = courier.About(ctx, tx, o.town.School.ID, o.episodes(ctx, tx)); err != nil {
			return err
		}
		for _, l := range letters {
			p, err := directory.PointByID(ctx, tx, o.town.School.ID, l.Contact)
			if err != nil {
				return err
			}
			number[l.ID] = strings.TrimPrefix(p.Address, "+")
			o.wire.states[l.State]++
		}
		calls, err = alert.OpenCalls(ctx, tx, o.town.School.ID)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	taken := o.taken(letters)
	for _, l := range letters {
		if l.Channel != directory.SMS {
			continue
		}
		copies := 0
		for to, n := range taken[l.ID].to {
			if copies += n; to != number[l.ID] {
				o.t.Errorf("the letter to %s was taken for another number", l.Person)
			}
		}
		if copies > 0 && taken[l.ID].text != courier.PlainSMS(l.Body) {
			o.t.Errorf("the letter to %s reads otherwise at the far side: %q, want %q", l.Person, taken[l.ID].text, l.Body)
		}
		if copies > 1 {
			o.t.Errorf("%d copies of an SMS to %s about %s (%s, %d attempts)", copies, l.Person, l.Pupil, l.State, l.Attempts)
		}
		telephoned := slices.ContainsFunc(calls, func(c alert.Call) bool { return c.Pupil == l.Pupil && c.Adult == l.Person })
		switch l.State {
		case courier.Left, courier.Delivered:
			if copies == 0 {
				o.t.Errorf("an SMS to %s about %s is %s, and nobody took it", l.Person, l.Pupil, l.State)
			}
		case courier.Refused:
			if copies > 0 && !strings.HasPrefix(l.Because, "undelivered") {
				o.t.Errorf("an SMS to %s about %s is refused (%s), and was taken", l.Person, l.Pupil, l.Because)
			}
		case courier.Waiting, courier.Leaving:
			o.t.Errorf("an SMS to %s about %s is still %s", l.Person, l.Pupil, l.State)
		case courier.Void:
			if copies > 0 {
				o.t.Errorf("an SMS to %s about %s is void (%s), and was taken", l.Person, l.Pupil, l.Because)
			}
		}
		if l.State != courier.Left && l.State != courier.Delivered && !telephoned {
			o.t.Errorf("an SMS to %s about %s is %s (%s), and nobody telephones", l.Person, l.Pupil, l.State, l.Because)
		}
	}
	for _, pupil := range o.absent {
		if pupil != "awa" && !slices.ContainsFunc(letters, func(l courier.Letter) bool { return l.Pupil == pupil && l.Channel == directory.SMS }) {
			o.t.Errorf("nobody was written to about %s by SMS", pupil)
		}
	}
}
