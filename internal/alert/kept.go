package alert

import (
	"context"
	"sync"
	"time"

	"github.com/preau-ent/preau/internal/database"
	"github.com/preau-ent/preau/internal/journal"
	"github.com/preau-ent/preau/internal/timetable"
)

// keptBoards keeps each school's board as long as nothing was done for the school: an
// office has several screens that ask every few seconds, and most of the time nothing
// has happened since the last of them asked.
//
// What tells that nothing was done is the length of the school's journal, read in the
// same transaction: whatever the board shows is changed in a transaction that appends
// a line, on this node or another. A board is read anew in any case after keepBoard.
type keptBoards struct {
	mu sync.Mutex
	by map[string]keptBoard // by school
}

type keptBoard struct {
	board  *board
	length int64
	at     time.Time
}

// keepBoard bounds how long a board is kept, and the memory of schools that nobody
// looks at any more.
const keepBoard = 30 * time.Second

func (k *keptBoards) read(ctx context.Context, tx database.Tx, school string, now time.Time) (*board, error) {
	length, err := journal.Length(ctx, tx, school, now)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	old, ok := k.by[school]
	k.mu.Unlock()
	if ok && old.length == length && old.fresh(now) && old.board.day == timetable.Day(now, old.board.school.zone) {
		return old.board, nil
	}
	b, err := readBoard(ctx, tx, school, now)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil {
		k.by = map[string]keptBoard{}
	}
	for id, one := range k.by {
		if !one.fresh(now) {
			delete(k.by, id)
		}
	}
	k.by[school] = keptBoard{b, length, now}
	return b, nil
}

func (k keptBoard) fresh(now time.Time) bool { return !now.Before(k.at) && now.Sub(k.at) < keepBoard }
