package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/identity"
	"github.com/gatehouse-api/gatehouse/internal/store"
)

// bringBack is what to do about a sealing key that is not the one it was.
const bringBack = "Bring back the key that was used before, from a backup. If it is lost, replace it: stop every server,\n" +
	"DELETE FROM identity_keys as the owner of the tables, and start with another (docs/reference/keys-and-data.md)."

// sealingKey is the key of the settings, or that of a file in the data folder
// which is made, readable by its owner alone, when it is not there. It is made
// for a new database alone: what was sealed with a lost key no other key opens,
// and a new file would only hide that one is missing.
func sealingKey(ctx context.Context, cfg *config.Config, db *store.Store) ([]byte, error) {
	key, err := keptKey(cfg)
	if key != nil || err != nil {
		return key, err
	}
	path := cfg.SealingKeyPath()
	used, err := identity.HasSigningKeys(ctx, db)
	if err != nil {
		return nil, err
	}
	if used {
		return nil, fmt.Errorf("the sealing key %s is missing, and the signing keys in the database were sealed with it\n%s", path, bringBack)
	}
	key = freshKey()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("making the sealing key: %w", err)
	}
	_, err = f.Write(key)
	return key, errors.Join(err, f.Sync(), f.Close())
}

// keptKey is the sealing key that there is already, nil when one is to be made.
func keptKey(cfg *config.Config) ([]byte, error) {
	key, which := []byte(cfg.Identity.SealingKey.Reveal()), "the value"
	if len(key) == 0 {
		path := cfg.SealingKeyPath()
		var err error
		if key, err = os.ReadFile(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		} else if err != nil {
			return nil, cfg.Refused("identity.sealing_key", err)
		}
		which = path
	}
	if len(key) < identity.MinKey {
		return nil, cfg.Refused("identity.sealing_key", fmt.Errorf("%s has %d bytes; %d random ones are the least\n%s", which, len(key), identity.MinKey, bringBack))
	}
	return key, nil
}

func freshKey() []byte {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails (crypto/rand)
	return []byte(hex.EncodeToString(fresh))
}

// anotherKey says of signing keys that do not open which key did not open them.
func anotherKey(cfg *config.Config, err error) error {
	if !errors.Is(err, identity.ErrSealed) {
		return err
	}
	key := "identity.sealing_key"
	if !cfg.Identity.SealingKey.IsSet() {
		key = cfg.SealingKeyPath()
	}
	return fmt.Errorf("%w\nThe sealing key of now is %s. %s", err, key, bringBack)
}
