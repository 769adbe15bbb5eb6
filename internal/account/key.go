package account

import (
	"fmt"

	"github.com/preau-ent/preau/internal/durable"
)

// MinKey is the least number of bytes of the key of sessions.
const MinKey = 32

// Key reads the key of sessions from a file, and makes the file when there is none.
// Everybody is signed out when it is lost or replaced; nothing else is.
func Key(path string) ([]byte, error) {
	key, err := durable.Key(path, MinKey)
	if err != nil {
		return nil, fmt.Errorf("account: the key of sessions (everybody signs in again after another): %w", err)
	}
	return key, nil
}
