package account

import "time"

// Figures are what the password pool tells whoever operates it. Counts are since the program
// was started.
type Figures struct {
	Workers, Working, Waiting int
	Checked                   int64         // passwords that got a worker
	Waited                    time.Duration // all of them together
	TurnedAway                int64         // sent back, because too many waited already
}

// Figures gives them as they are now.
func (k *Keeper) Figures() Figures {
	p := k.pool
	return Figures{Workers: cap(p.slots), Working: len(p.slots), Waiting: p.crowd(), Checked: p.checked.Load(), Waited: time.Duration(p.waited.Load()), TurnedAway: p.turned.Load()}
}
