package courier

import (
	"context"
	"hash/fnv"
	"strconv"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/courier/internal/sms"
	"github.com/preau-ent/preau/internal/directory"
)

// carrier speaks with one provider. before is the last look at stop and expiry; an
// error of it means that nothing is written.
type carrier interface {
	send(ctx context.Context, e Errand, before sms.Before) Result
	// room is how many letters could be handed over right now; 0 while it is not
	// connected, throttled or full. Nothing is claimed for which there is no room.
	room() int
	// changed gets a token when room may have grown; nil where it never does by itself.
	changed() <-chan struct{}
}

// account is one way out of a channel: a carrier with what its file says of it.
type account struct {
	name     string // of its file; "mail" is the mail server's
	provider string // whose ids its receipts bear: accounts of one provider share them
	weight   int    // its share of the letters beside the channel's other accounts
	receipts bool   // it says later whether a message arrived
	replies  bool   // it brings what telephones answer
	nearby   bool   // its far side is on this machine: a test's, or a drill's
	carrier

	mu     sync.Mutex
	coming int       // claimed, and not yet counted by the carrier itself
	until  time.Time // rests: what it was given last was provably not written
	rested int
}

// Rests of an account that could not be reached, so that its letters go by another.
const (
	firstRest = time.Second
	mostRest  = 30 * time.Second
)

// open is the room of an account that does not rest.
func (a *account) open(now time.Time) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	// A clock put back does not lengthen a rest.
	if left := a.until.Sub(now); left > 0 && left <= mostRest {
		return 0
	}
	return max(0, a.room()-a.coming)
}

// expect counts letters that are claimed and on their way to the carrier.
func (a *account) expect(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.coming += n
}

// heard notes how an attempt ended: whoever cannot be reached rests, longer each time.
func (a *account) heard(o Outcome, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o != NotWritten {
		a.until, a.rested = time.Time{}, 0
		return
	}
	a.until = now.Add(min(mostRest, firstRest<<min(a.rested, 5)))
	a.rested++
}

// rooms is how much can be handed over now, account by account: what a claim may fill.
type rooms struct {
	by   map[*account]int
	left int // at most that many in all
}

// mostAtOnce bounds what one claim takes: what a crash right after it would make unsure.
const mostAtOnce = 10

func (c Carriers) rooms(now time.Time) rooms {
	r := rooms{by: map[*account]int{}, left: mostAtOnce}
	for _, accounts := range c.by {
		for _, a := range accounts {
			r.by[a] = a.open(now)
		}
	}
	return r
}

// channels lists those with room, and none when nothing more may be taken.
func (r rooms) channels(c Carriers) []directory.Channel {
	var out []directory.Channel
	for ch, accounts := range c.by {
		for _, a := range accounts {
			if r.left > 0 && r.by[a] > 0 {
				out = append(out, ch)
				break
			}
		}
	}
	return out
}

// take chooses the account of a letter's next attempt and fills one place of it: by
// weight among those with room, another than the last one where there is another. Only
// a letter that was never accepted has a further attempt, so only such a one changes
// its carrier. nil: there is no room.
func (r *rooms) take(accounts []*account, letter string, attempt int, last string) *account {
	var can []*account
	for _, a := range accounts {
		if r.by[a] > 0 && a.name != last {
			can = append(can, a)
		}
	}
	for _, a := range accounts {
		if len(can) == 0 && r.by[a] > 0 {
			can = append(can, a)
		}
	}
	if len(can) == 0 || r.left == 0 {
		return nil
	}
	total := 0
	for _, a := range can {
		total += a.weight
	}
	h := fnv.New64a()
	h.Write([]byte(letter + "/" + strconv.Itoa(attempt)))
	at := int(h.Sum64() % uint64(total))
	chosen := can[0]
	for _, a := range can {
		if chosen = a; at < a.weight {
			break
		}
		at -= a.weight
	}
	r.by[chosen]--
	r.left--
	return chosen
}
