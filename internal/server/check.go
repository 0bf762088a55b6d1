package server

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/gatehouse-api/gatehouse/contract"
	"github.com/gatehouse-api/gatehouse/internal/config"
	"github.com/gatehouse-api/gatehouse/internal/store"
	"github.com/gatehouse-api/gatehouse/limit"
)

// Check builds what the settings would serve, without opening, writing or
// starting anything, and returns how many operations there are. Open begins with
// the same, so what is checked here is not refused there.
func Check(cfg *config.Config) (operations int, err error) {
	s, err := examine(Options{Config: cfg, Log: slog.DiscardHandler}.withDefaults())
	if err != nil {
		return 0, err
	}
	return Operations(s.apis), nil
}

// examine assembles a server on a database that is not open.
func examine(o Options) (*Server, error) {
	o.Log = slog.DiscardHandler // what there is to say is said at the start
	if err := places(o.Config); err != nil {
		return nil, err
	}
	key, err := keptKey(o.Config)
	if err != nil {
		return nil, err
	}
	if key == nil {
		key = freshKey() // as the first start makes one
	}
	s := newServer(o)
	s.store = new(store.Store)
	return s, s.assemble(o, key)
}

// places looks whether the files and folders of the settings can be made or
// written, and leaves nothing behind. All that cannot are told at once.
func places(cfg *config.Config) error {
	var all contract.Issues
	say := func(path string, err error) {
		if err != nil {
			all = append(all, cfg.Refused(path, err)...)
		}
	}
	say("data", folder(cfg.Data))
	if cfg.Database.Engine == store.SQLite {
		say("database.path", file(cfg.Database.Path, cfg.Data))
	}
	if logs := cfg.Log.Files.Folder; logs != "" {
		err := folder(logs)
		for _, name := range []string{"combined.log", "error.log", "events.log"} {
			if err == nil {
				err = file(filepath.Join(logs, name), logs)
			}
		}
		say("log.files.folder", err)
	}
	if len(all) > 0 {
		return all
	}
	return nil
}

// folder tells whether files can be made in a folder, which may have to be made
// itself.
func folder(path string) error {
	for {
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is not a folder", path)
		}
		if err == nil {
			break
		}
		parent := filepath.Dir(path)
		if !errors.Is(err, fs.ErrNotExist) || parent == path {
			return err
		}
		path = parent
	}
	probe, err := os.CreateTemp(path, ".gatehouse-check-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// file tells whether a file can be written, or made when it is not there. made is
// the folder that will have been made by then.
func file(path, made string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in := filepath.Dir(path)
	if in == filepath.Clean(made) {
		return nil
	}
	if _, err := os.Stat(in); err != nil {
		return err
	}
	return folder(in)
}

// tryLimits has each budget of the settings counted alone, so that one which
// cannot be is told by its name.
func tryLimits(cfg *config.Config, apis []*contract.API) error {
	table, err := contract.NewTable(apis...)
	if err != nil {
		return err
	}
	var all contract.Issues
	for _, name := range slices.Sorted(maps.Keys(cfg.Limits)) {
		budget := cfg.Limits[name]
		one := limit.Config{Table: table, Budgets: map[string]contract.Budget{name: budget}}
		if name == limit.UnmatchedName {
			one.Unmatched = budget
		}
		for one.Stage = limit.AddressStage; one.Stage <= limit.AccountStage; one.Stage++ {
			if _, err := limit.New(one); err != nil {
				all = append(all, cfg.Refused("limits."+name, err)...)
				break
			}
		}
	}
	if len(all) > 0 {
		return all
	}
	return nil
}
