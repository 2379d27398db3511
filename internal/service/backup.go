package service

import "time"

// Backup says what data a checkpoint saves; exactly one of Files and Command is set.
type Backup struct {
	Files   *FilesBackup   `json:"files,omitempty"`
	Command *CommandBackup `json:"command,omitempty"`
	// OnRestore is "keep" (what was written since stays) or "discard" (the backup is put back; what was written since is lost).
	OnRestore string `json:"on_restore"`
}

// FilesBackup saves a directory or a file.
type FilesBackup struct {
	// Path is absolute.
	Path string `json:"path"`
}

// CommandBackup saves by a program of the user's. Both commands get DEPLOY_BACKUP, the absolute path of a directory
// to write into or to read from.
type CommandBackup struct {
	Save        []string          `json:"save"`
	Restore     []string          `json:"restore"`
	Environment map[string]string `json:"environment,omitempty"`
	// Secrets maps a variable to the name of a credential.
	Secrets map[string]string `json:"secrets,omitempty"`
	Timeout Duration          `json:"timeout"`
}

// BackupFile is one file of a saved backup.
type BackupFile struct {
	// Name is relative to the backup's directory.
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// SavedBackup is a backup that was saved and verified.
type SavedBackup struct {
	Name       string       `json:"name"`
	Definition Backup       `json:"definition"`
	Directory  string       `json:"directory"`
	Files      []BackupFile `json:"files"`
}

// Checkpoint is all that a restore needs.
type Checkpoint struct {
	ID string `json:"id"`
	// For is the release that is about to be introduced; Stable the one to go back to, nil for the first release of a service.
	For     ReleaseID      `json:"for"`
	Attempt int            `json:"attempt"`
	Stable  *Release       `json:"stable,omitempty"`
	Weights map[string]int `json:"weights,omitempty"`
	Backups []SavedBackup  `json:"backups,omitempty"`
	// Baseline is what stable's instances counted for a while before the release, for comparison.
	Baseline *Baseline `json:"baseline,omitempty"`
	// Location of the checkpoint's document in the store, and the procedure to restore by hand.
	Location  string    `json:"location"`
	Procedure string    `json:"procedure"`
	TakenAt   time.Time `json:"taken_at"`
}

// Baseline is stable's share of errors and slow requests.
type Baseline struct {
	Requests float64 `json:"requests"`
	Errors   float64 `json:"errors"`
	// Timed are those whose duration is known, Slow those of them that took too long.
	Timed float64 `json:"timed"`
	Slow  float64 `json:"slow"`
}

// Message is what notifications carry, as JSON.
type Message struct {
	// ID is the same when a message is delivered again: receivers tell repetitions by it.
	ID      string `json:"id"`
	Service ID     `json:"service"`
	// Event: "started", "succeeded", "rolled_back" or "restore_failed".
	Event   string    `json:"event"`
	Release ReleaseID `json:"release"`
	// Replaces is the release that carried the traffic when the attempt began; empty for the first.
	Replaces ReleaseID `json:"replaces,omitempty"`
	Attempt  int       `json:"attempt"`
	// Text says it in a sentence.
	Text string `json:"text"`
	// Record is where the Markdown record lies in the store, if there is one.
	Record string    `json:"record,omitempty"`
	Time   time.Time `json:"time"`
}
