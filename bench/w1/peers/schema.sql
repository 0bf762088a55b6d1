-- The tables of the original Interview Scheduler, with the data of the workload:
-- five days with five slots each, slots of a day that is not shown, ten
-- interviewers. Slots 16 to 25 are free.
DROP TABLE IF EXISTS interviews, available_interviewers, appointments, interviewers, days CASCADE;
CREATE TABLE days (id int PRIMARY KEY, name varchar(255) NOT NULL);
CREATE TABLE interviewers (id int PRIMARY KEY, name varchar(255) NOT NULL, avatar varchar(255) NOT NULL);
CREATE TABLE appointments (id int PRIMARY KEY, time varchar(255) NOT NULL, day_id int NOT NULL REFERENCES days ON DELETE CASCADE);
CREATE TABLE available_interviewers (
  day_id int NOT NULL REFERENCES days ON DELETE CASCADE,
  interviewer_id int NOT NULL REFERENCES interviewers ON DELETE CASCADE,
  PRIMARY KEY (day_id, interviewer_id)
);
CREATE TABLE interviews (
  appointment_id int PRIMARY KEY REFERENCES appointments ON DELETE CASCADE,
  student varchar(255) NOT NULL,
  interviewer_id int NOT NULL REFERENCES interviewers
);
CREATE INDEX ON appointments (day_id);
INSERT INTO days VALUES (1, 'Monday'), (2, 'Tuesday'), (3, 'Wednesday'), (4, 'Thursday'), (5, 'Friday'), (6, 'Someday');
INSERT INTO interviewers SELECT n, 'Interviewer ' || n, 'https://i.imgur.com/' || n || '.png' FROM generate_series(1, 10) n;
INSERT INTO appointments SELECT n, (12 + n % 5) || 'pm', least(1 + (n - 1) / 5, 6) FROM generate_series(1, 1000) n;
INSERT INTO available_interviewers SELECT d, 1 + (d * 3 + n) % 10 FROM generate_series(1, 5) d, generate_series(0, 4) n;
INSERT INTO interviews SELECT n, 'Student ' || n, 1 + n % 10 FROM generate_series(1, 1000) n WHERE n NOT BETWEEN 16 AND 25;
VACUUM ANALYZE;
