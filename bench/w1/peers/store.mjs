// The two statements of the workload, prepared on each of twenty connections.
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });

const days = {
  name: "days",
  text: `SELECT d.id, d.name,
      ARRAY(SELECT a.id FROM appointments a WHERE a.day_id = d.id ORDER BY a.id) AS appointments,
      ARRAY(SELECT v.interviewer_id FROM available_interviewers v WHERE v.day_id = d.id ORDER BY v.interviewer_id) AS interviewers,
      (SELECT count(*)::int FROM appointments a WHERE a.day_id = d.id
        AND NOT EXISTS (SELECT 1 FROM interviews i WHERE i.appointment_id = a.id)) AS spots
    FROM days d WHERE d.id < 6 ORDER BY d.id`,
};
const book = {
  name: "book",
  text: `INSERT INTO interviews (appointment_id, student, interviewer_id) VALUES ($1, $2, $3)
    ON CONFLICT (appointment_id) DO UPDATE SET student = excluded.student, interviewer_id = excluded.interviewer_id`,
};

export const listDays = async () => (await pool.query(days)).rows;
export const bookSlot = (slot, { student, interviewer }) => pool.query({ ...book, values: [slot, student, interviewer] });
