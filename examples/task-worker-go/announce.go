package main

import (
	"context"
	"encoding/json"
	"log"
	"time"
)

type entry struct {
	V             int                 `json:"v"`
	Worker        string              `json:"worker"`
	TaskNamespace string              `json:"taskNamespace"`
	Tasks         map[string]struct{} `json:"tasks"`
	Language      string              `json:"language"`
	Slots         int                 `json:"slots"`
	Running       int64               `json:"running"`
	Since         time.Time           `json:"since"`
	LastSeen      time.Time           `json:"lastSeen"`
}

// announce writes the entry of this worker every five seconds: the server forgets it after fifteen.
func (w *worker) announce(stop context.Context) {
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	for {
		if err := w.put(stop); err != nil && stop.Err() == nil {
			log.Printf("not announced: %v", err)
		}
		select {
		case <-every.C:
		case <-stop.Done():
			return
		}
	}
}

func (w *worker) put(ctx context.Context) error {
	tasks := map[string]struct{}{}
	for name := range handlers {
		tasks[name] = struct{}{}
	}
	body, err := json.Marshal(entry{
		V: 1, Worker: w.name, TaskNamespace: taskNamespace, Tasks: tasks, Language: "go", Slots: slots,
		Running: w.running.Load(), Since: w.since.UTC(), LastSeen: time.Now().UTC(),
	})
	if err != nil {
		return err
	}
	if _, err = w.workers.Put(ctx, w.key(), body); err != nil {
		return err
	}
	_, err = w.recent.Put(ctx, w.key(), body)
	return err
}

func (w *worker) key() string { return taskNamespace + "." + w.name }

// isElsewhere tells whether another worker of the task namespace has the task, or had it within the last minute.
func (w *worker) isElsewhere(name string) bool {
	keys, err := w.recent.Keys(context.Background())
	if err != nil {
		return false
	}
	for _, key := range keys {
		found, err := w.recent.Get(context.Background(), key)
		var other entry
		if err != nil || json.Unmarshal(found.Value(), &other) != nil || other.Worker == w.name {
			continue
		}
		_, has := other.Tasks[name]
		_, hasAny := other.Tasks["*"]
		if (has || hasAny) && other.TaskNamespace == taskNamespace {
			return true
		}
	}
	return false
}
