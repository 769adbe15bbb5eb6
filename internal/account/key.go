package account

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// MinKey is the least number of bytes of the key of sessions.
const MinKey = 32

// Key reads the key of sessions from a file, and makes the file when there is
// none. The file holds hexadecimal digits; nobody but its owner may read it.
// Everybody is signed out when it is lost or replaced; nothing else is.
func Key(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("account: the key of sessions: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("account: the key of sessions: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("account: %s can be read by others than its owner: chmod 600 %s", path, path)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) < MinKey {
		return nil, fmt.Errorf("account: %s does not hold %d bytes as hexadecimal digits: remove it, and a new one is made (everybody signs in again)", path, MinKey)
	}
	return key, nil
}

// makeKey writes the whole file under another name first, so that nobody ever
// reads half a key, and two programs started together end up with the same one.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, MinKey)
	rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("account: the key of sessions: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("account: the key of sessions: %w", err)
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return Key(path)
	} else if err != nil {
		return nil, fmt.Errorf("account: the key of sessions: %w", err)
	}
	return key, nil
}
